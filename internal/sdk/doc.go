// Package sdk holds the tests that run the SDKs of other languages against a
// `perdure server` process. It has no product code.
package sdk
