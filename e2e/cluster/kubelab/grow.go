package main

import (
	"context"
	"fmt"
	"os"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// growClaims gives bound claims of the provisioner the size that they ask for.
// A folder has no size of its own, so nothing but what the objects say has to
// change: the volume's first, as the resizer of a CSI driver does it. What
// fails is said and tried again with the next look, a few seconds later.
func growClaims(ctx context.Context, client kubernetes.Interface, provisioner string) {
	look := func(object any) {
		claim, isClaim := object.(*core.PersistentVolumeClaim)
		if !isClaim || !wantsMore(claim) {
			return
		}
		if err := grow(ctx, client, claim, provisioner); err != nil {
			fmt.Fprintf(os.Stderr, "storage: claim %s/%s does not grow: %v\n", claim.Namespace, claim.Name, err)
		}
	}
	factory := informers.NewSharedInformerFactory(client, 5*time.Second)
	claims := factory.Core().V1().PersistentVolumeClaims().Informer()
	if _, err := claims.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    look,
		UpdateFunc: func(_, now any) { look(now) },
	}); err != nil {
		fmt.Fprintln(os.Stderr, "storage: claims are not watched:", err)
		return
	}
	factory.Start(ctx.Done())
}

func wantsMore(claim *core.PersistentVolumeClaim) bool {
	wanted := claim.Spec.Resources.Requests[core.ResourceStorage]
	return claim.Status.Phase == core.ClaimBound && wanted.Cmp(claim.Status.Capacity[core.ResourceStorage]) > 0
}

func grow(ctx context.Context, client kubernetes.Interface, claim *core.PersistentVolumeClaim, provisioner string) error {
	volume, err := client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, meta.GetOptions{})
	if err != nil || volume.Annotations["pv.kubernetes.io/provisioned-by"] != provisioner {
		return err
	}
	wanted := claim.Spec.Resources.Requests[core.ResourceStorage]
	size := fmt.Sprintf(`{"capacity":{"storage":%q}}`, wanted.String())
	spec, status := fmt.Appendf(nil, `{"spec":%s}`, size), fmt.Appendf(nil, `{"status":%s}`, size)
	volumes, claims := client.CoreV1().PersistentVolumes(), client.CoreV1().PersistentVolumeClaims(claim.Namespace)
	if _, err := volumes.Patch(ctx, volume.Name, types.MergePatchType, spec, meta.PatchOptions{}); err != nil {
		return err
	}
	_, err = claims.Patch(ctx, claim.Name, types.MergePatchType, status, meta.PatchOptions{}, "status")
	return err
}
