//go:build !race

package sdk_test

const raced = false
