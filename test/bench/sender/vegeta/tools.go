//go:build tools
// +build tools

// Package tools keeps the requirement in go.mod.
package tools

import _ "github.com/tsenart/vegeta/v12"
