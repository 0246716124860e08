# METADATA
# scope: package
# title: Patterns in parameters
# description: |
#   `*` stands for any characters but a slash, `**` for any characters, `**/` for zero or more
#   whole segments, `?` for one character but a slash; everything else stands for itself. A wildcard
#   stands for visible ASCII characters only. Patterns are matched here and not with `glob.match`,
#   whose `**` means different things in the two engines.
package gitops_gate.lib.patterns

# Whether one of the patterns matches the whole text. A pattern that is not a string matches
# nothing.
any_matches(patterns, text) if {
	is_array(patterns)
	some pattern in patterns
	matches(pattern, text)
}

matches(pattern, text) if {
	is_string(pattern)
	is_string(text)
	regex.match(concat("", ["^", expression(pattern), "$"]), text)
}

# The regular expression of a pattern. The control characters keep what one step wrote from the
# next one.
expression(pattern) := result if {
	literal := regex.replace(pattern, `[^A-Za-z0-9_/*?-]`, `\$0`)
	segments := replace(literal, "**/", "\u0001")
	everything := replace(segments, "**", "\u0002")
	within := replace(everything, "*", "[!-.0-~]*")
	single := replace(within, "?", "[!-.0-~]")
	result := replace(replace(single, "\u0001", "(?:[!-~]*/)?"), "\u0002", "[!-~]*")
}
