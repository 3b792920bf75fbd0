// Package extraction reads data out of documents: an image or a PDF goes to the
// model beside the question, and a Go struct comes back. An answer that does not fit
// the struct is asked for again; one that cannot be, sums that do not add up, is
// refused by the code, and read once more with the reason.
//
//	go run ./examples/serve extraction
//	curl --json '{"name":"ReadInvoice","id":"inv-1","input":{"media_type":"image/png","data":"iVBORw0KGgo="}}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl 'http://127.0.0.1:8080/api/v1/runs/inv-1?wait=30s'
//
// (The offline demo model sees no images and makes an invoice up, which is refused: its
// items do not add up.)
package extraction

import (
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// Document is a file.
type Document struct {
	MediaType string `json:"media_type"` // such as image/png or application/pdf
	Data      []byte `json:"data"`       // base64 in JSON
}

// Invoice is what is read. Its JSON schema is what the model is asked to fill in.
type Invoice struct {
	Number   string `json:"number"`
	Seller   string `json:"seller"`
	Currency string `json:"currency" jsonschema:"ISO 4217 code, such as EUR"`
	Items    []Item `json:"items"`
	Total    int    `json:"total" jsonschema:"in cents, all items"`
}

// Item is a line of an invoice.
type Item struct {
	Text  string `json:"text"`
	Cents int    `json:"cents"`
}

// check returns what cannot be right about an invoice.
func (v Invoice) check() error {
	sum := 0
	for _, item := range v.Items {
		sum += item.Cents
	}
	if sum != v.Total {
		return fmt.Errorf("the items add up to %d cents, but the total is %d", sum, v.Total)
	}
	return nil
}

var reader = agent.Named("InvoiceReader")

// ReadInvoice reads an invoice. The document is an input of the run: it is stored
// once, whatever it takes to read it.
func ReadInvoice(ctx *perdure.Context, d Document) (Invoice, error) {
	session := agent.InSession("invoice-" + ctx.NewID())
	prompt, contents := "Read this invoice.", agent.WithContents(model.NewData(d.MediaType, d.Data))
	for {
		invoice, err := agent.RunAs[Invoice](ctx, reader, prompt, session, contents).Value()
		if err != nil {
			return Invoice{}, err
		}
		wrong := invoice.check()
		if wrong == nil {
			return invoice, nil
		}
		if prompt != "Read this invoice." {
			return Invoice{}, perdure.NonRetryable(fmt.Errorf("the invoice cannot be read: %w", wrong))
		}
		prompt, contents = fmt.Sprintf("That cannot be: %v. Read it once more.", wrong), agent.WithContents()
	}
}

// NewReader returns the agent.
func NewReader(m model.Model) *agent.Agent {
	return &agent.Agent{
		Name: "InvoiceReader", Description: "Reads invoices.", Model: m,
		Instructions: "You read invoices. Copy what is written; leave out what you cannot read.",
	}
}

// Register makes the orchestration and its agent known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, ReadInvoice)
	return agent.Register(reg, NewReader(m))
}
