package auto_test

import (
	"context"
	"fmt"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
)

// In a program, os.Getenv takes the place of the function here.
func ExampleFromEnv() {
	nothingSet := func(name string) string {
		if name == "PERDURE_DEMO_PACE" {
			return "0"
		}
		return ""
	}
	m, info, err := auto.FromEnv(nothingSet)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := model.Collect(m.Generate(context.Background(), &model.Request{
		Messages: []*model.Message{model.UserText("My name is Ada."), model.UserText("What is my name?")},
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(info.Provider)
	fmt.Println(r.Text())
	// Output:
	// demo
	// (Offline demo model: no API key was found.) Your name is Ada.
}
