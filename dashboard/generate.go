package dashboard

//go:generate go generate ../internal/httpapi
//go:generate go run -C ui/build .
