# A worker that its hub calls (examples/push), for platforms that scale to zero.
#
#   docker build -f deploy/worker.Dockerfile -t perdure-worker .
FROM golang:1.25 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags=-s -o /out/worker ./examples/push

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/worker /worker
USER 65532:65532
ENV PORT=8080
EXPOSE 8080
ENTRYPOINT ["/worker"]
