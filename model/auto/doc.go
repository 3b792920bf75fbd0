// Package auto picks a chat model from the environment, and is itself the model
// when there is none: the offline demo model.
package auto
