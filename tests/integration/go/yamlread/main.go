// Yamlread answers, for each document on standard input, how Kubernetes' own libraries read it.
//
// A request is one byte that names the question, a 32-bit big-endian length, and that many bytes.
// An answer is one line of JSON.
//
//	'd'  a document: what sigs.k8s.io/yaml makes of it, strictly and laxly, and whether it leaves
//	     anything after the first document unread
//	's'  a stream: the documents that k8s.io/apimachinery's YAML reader cuts it into
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	goyaml "go.yaml.in/yaml/v2"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

type reading struct {
	JSON  json.RawMessage `json:"json,omitempty"`
	Error string          `json:"error,omitempty"`
}

type document struct {
	Strict reading `json:"strict"`
	Lax    reading `json:"lax"`
	Unread bool    `json:"unread"`
}

type stream struct {
	Documents [][]byte `json:"documents"`
	Error     string   `json:"error,omitempty"`
}

func read(text []byte, convert func([]byte) ([]byte, error)) (answer reading) {
	defer func() {
		if problem := recover(); problem != nil {
			answer = reading{Error: fmt.Sprint("panic: ", problem)}
		}
	}()
	converted, err := convert(text)
	if err != nil {
		return reading{Error: err.Error()}
	}
	return reading{JSON: converted}
}

// unread tells whether anything but comments follows the first document.
func unread(text []byte) (more bool) {
	defer func() {
		if recover() != nil {
			more = true
		}
	}()
	decoder := goyaml.NewDecoder(bytes.NewReader(text))
	var value interface{}
	if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
		return false
	}
	return !errors.Is(decoder.Decode(&value), io.EOF)
}

func cut(text []byte) (answer stream) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		piece, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return answer
		}
		if err != nil {
			answer.Error = err.Error()
			return answer
		}
		answer.Documents = append(answer.Documents, piece)
	}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for {
		question, err := in.ReadByte()
		if err != nil {
			return
		}
		var length uint32
		if err := binary.Read(in, binary.BigEndian, &length); err != nil {
			panic(err)
		}
		text := make([]byte, length)
		if _, err := io.ReadFull(in, text); err != nil {
			panic(err)
		}
		var answer interface{}
		if question == 's' {
			answer = cut(text)
		} else {
			answer = document{
				Strict: read(text, yaml.YAMLToJSONStrict),
				Lax:    read(text, yaml.YAMLToJSON),
				Unread: unread(text),
			}
		}
		if err := encoder.Encode(answer); err != nil {
			panic(err)
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				panic(err)
			}
		}
	}
}
