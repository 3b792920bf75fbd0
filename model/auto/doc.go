// Package auto picks a chat model from the environment, and is itself the model
// when there is none: the offline demo model.
//
// The first of these that is set decides:
//
//	PERDURE_MODEL          provider/model, or demo; the provider is one of openai, azure,
//	                       anthropic, ollama, compatible
//	PERDURE_MODEL_URL      a server that speaks OpenAI's protocol; OPENAI_MODEL names the model
//	AZURE_OPENAI_ENDPOINT  with AZURE_OPENAI_DEPLOYMENT or AZURE_OPENAI_DEPLOYMENT_NAME
//	                       (default gpt-4o-mini), and AZURE_OPENAI_API_KEY or AZURE_OPENAI_KEY;
//	                       without a key the default Azure credential, which knows "az login";
//	                       AZURE_OPENAI_API_VERSION
//	OPENAI_API_KEY         with OPENAI_BASE_URL, OPENAI_MODEL (default gpt-4o-mini),
//	                       OPENAI_ORG_ID, OPENAI_PROJECT_ID
//	ANTHROPIC_API_KEY      with ANTHROPIC_BASE_URL, ANTHROPIC_MODEL
//	OPENAI_BASE_URL        without a key: a server that speaks OpenAI's protocol
//	OLLAMA_HOST            with OLLAMA_MODEL
//
// OpenAI itself is asked over its Responses API, which gives back the reasoning of
// its models; other base URLs over Chat Completions, which all servers know.
//
// Calls of the model wait for the provider's rate limits, see [model.Limiter].
//
// PERDURE_DEMO_PACE is the time of a word of the demo model, such as 200ms; 0
// means no wait.
package auto
