module codeowners

go 1.26.0

require github.com/hmarr/codeowners v1.2.1
