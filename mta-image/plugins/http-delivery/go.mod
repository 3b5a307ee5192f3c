module mailfleet.io/plugins/http-delivery

go 1.21
