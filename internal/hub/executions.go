package hub

import (
	"encoding/json"
	"time"

	"github.com/perdure/perdure/store"
)

// RowExecution is the kind of the rows that list the executions which a run had before
// the current one, each written in the commit that left it; the key begins with the
// time, the value is an Execution as JSON. Nobody else writes them.
const RowExecution store.RowKind = 96

// Execution is one that a run was in before.
type Execution struct {
	ID     string    `json:"id"`
	Began  time.Time `json:"began"`
	Left   time.Time `json:"left"`
	Events int64     `json:"events"`
	// Rewound says that a rewind has left it; else the run continued as new.
	Rewound bool `json:"rewound,omitempty"`
}

// ReadExecution decodes a row of RowExecution.
func ReadExecution(row store.Row) (*Execution, error) {
	e := &Execution{}
	return e, json.Unmarshal(row.Value, e)
}
