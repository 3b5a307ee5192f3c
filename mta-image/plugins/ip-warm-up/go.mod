module mailfleet.io/plugins/ip-warm-up

go 1.21
