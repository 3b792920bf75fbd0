package responses_test

import (
	"context"
	"fmt"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	sdk "github.com/openai/openai-go/v3/responses"
)

// OpenAI's SDK talks to the agents of `perdure dev`.
func Example() {
	client := openai.NewClient(option.WithBaseURL("http://127.0.0.1:8080/v1"), option.WithAPIKey("none"))
	response, err := client.Responses.New(context.Background(), sdk.ResponseNewParams{
		Model: "joker",
		Input: sdk.ResponseNewParamsInputUnion{OfString: openai.String("Tell me a joke.")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.OutputText())
}
