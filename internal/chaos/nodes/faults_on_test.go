//go:build faults

package nodes_test

import "github.com/perdure/perdure/internal/fault"

func configureFaults(text string) error {
	if text == "" {
		return nil
	}
	return fault.Configure(text)
}
