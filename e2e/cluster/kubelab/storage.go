package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// folderProvisioner answers claims with folders of this machine, offered as
// `local` volumes: unlike hostPath these honour fsGroup, so a pod that is not
// root can write. A deleted volume takes its folder along.
type folderProvisioner struct{ root string }

func (p folderProvisioner) Provision(_ context.Context, wanted controller.ProvisionOptions) (*core.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(p.root, wanted.PVName)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: wanted.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *wanted.StorageClass.ReclaimPolicy,
			AccessModes:                   wanted.PVC.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: wanted.PVC.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeSource:        core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: path}},
			NodeAffinity:                  onNode(wanted.SelectedNodeName),
		},
	}, controller.ProvisioningFinished, nil
}

func (p folderProvisioner) Delete(_ context.Context, volume *core.PersistentVolume) error {
	return os.RemoveAll(filepath.Join(p.root, filepath.Base(volume.Name)))
}

func onNode(name string) *core.VolumeNodeAffinity {
	here := core.NodeSelectorRequirement{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{name}}
	return &core.VolumeNodeAffinity{Required: &core.NodeSelector{
		NodeSelectorTerms: []core.NodeSelectorTerm{{MatchExpressions: []core.NodeSelectorRequirement{here}}},
	}}
}

func storageCommand() *cobra.Command {
	var kubeconfig, name string
	var provisioner folderProvisioner
	command := &cobra.Command{
		Use:   "storage",
		Short: "Provision local volumes in a folder of this machine",
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			// The API server protects itself; the client's own limit of five requests
			// a second would be all that a thousand claims wait for.
			config.QPS = -1
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			growClaims(command.Context(), client, name)
			controller.NewProvisionController(command.Context(), client, name, provisioner,
				controller.LeaderElection(false), controller.Threadiness(16)).Run(command.Context())
			return nil
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&name, "name", "", "name of the provisioner in storage classes")
	command.Flags().StringVar(&provisioner.root, "root", "", "folder that holds the volumes")
	return command
}
