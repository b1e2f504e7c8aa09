// Pins the open-loop tool that the bench stands beside: `go build github.com/tsenart/vegeta/v12`.
module speed-gate-bench

go 1.16

require github.com/tsenart/vegeta/v12 v12.8.4
