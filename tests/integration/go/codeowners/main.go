// Codeowners answers, for each request on standard input, how github.com/hmarr/codeowners reads a
// CODEOWNERS file, and which of its lines each path belongs to.
//
// A request is one line of JSON, and so is an answer.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"

	"github.com/hmarr/codeowners"
)

type request struct {
	Text  string   `json:"text"`
	Paths []string `json:"paths"`
}

// answer has the line and the owners for each path; line 0 says that none matches.
type answer struct {
	Error  string     `json:"error,omitempty"`
	Lines  []int      `json:"lines"`
	Owners [][]string `json:"owners"`
}

func read(asked request) answer {
	rules, err := codeowners.ParseFile(strings.NewReader(asked.Text))
	if err != nil {
		return answer{Error: err.Error()}
	}
	var given answer
	for _, path := range asked.Paths {
		rule, err := rules.Match(path)
		if err != nil {
			return answer{Error: err.Error()}
		}
		line, owners := 0, []string{}
		if rule != nil {
			line = rule.LineNumber
			for _, owner := range rule.Owners {
				owners = append(owners, owner.String())
			}
		}
		given.Lines = append(given.Lines, line)
		given.Owners = append(given.Owners, owners)
	}
	return given
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		if err := output.Encode(read(asked)); err != nil {
			panic(err)
		}
	}
}
