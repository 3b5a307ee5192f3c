// Netpol enforces the NetworkPolicies of the test cluster: the controller of
// the Kubernetes project judges each new connection that the rules of the
// node hand to its queue (--queue), by the policies and pods that the API
// server of --kubeconfig has. It runs in the network namespace of the node
// --node until it gets SIGTERM or SIGINT; while it does not run, whatever is
// queued is dropped. Kernels that let nftables hand packets to a queue need no
// rule but the controller's own; where it cannot make that, it says so.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "of the cluster")
	node := flag.String("node", "", "the node whose pods are guarded")
	queue := flag.Int("queue", 100, "number of the netfilter queue")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := guard(ctx, *kubeconfig, networkpolicy.Config{NodeName: *node, QueueID: *queue, NRIdisabled: true}); err != nil {
		fmt.Fprintln(os.Stderr, "netpol:", err)
		os.Exit(1)
	}
}

func guard(ctx context.Context, kubeconfig string, config networkpolicy.Config) error {
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	core := factory.Core().V1()
	controller, err := networkpolicy.NewController(
		client, factory.Networking().V1().NetworkPolicies(), core.Namespaces(), core.Pods(),
		nil, nil, nil, nil, config,
	)
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	return controller.Run(ctx)
}
