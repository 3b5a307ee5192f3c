// Kstatus judges one Kubernetes object, read as JSON from standard input, by
// the library that Flux, kpt and others go by, and prints the status on the
// first line and the reason on the second. What is no object ends it with 1.
package main

import (
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	object := &unstructured.Unstructured{}
	if err == nil {
		err = object.UnmarshalJSON(text)
	}
	var result *status.Result
	if err == nil {
		result, err = status.Compute(object)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
	fmt.Printf("%s\n%s\n", result.Status, result.Message)
}
