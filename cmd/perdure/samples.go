package main

import (
	"context"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/host"
)

// hosted is what dev hosts.
type hosted struct {
	registry *perdure.Registry
	model    string // the model in use, in words; "" = none
	// routes adds the routes of agents; nil = none.
	routes func(*host.App)
	// try are commands to try, for a server at the address.
	try func(url string) []string
}

// hosting returns what dev hosts.
type hosting func(context.Context) (*hosted, error)

// samples wires the sample orchestrations and agents, by hand.
func samples(context.Context) (*hosted, error) {
	return &hosted{
		registry: perdure.NewRegistry(),
		try: func(url string) []string {
			return []string{"curl " + url + "/api/v1/info", "curl " + url + "/api/v1/runs"}
		},
	}, nil
}
