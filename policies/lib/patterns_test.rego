package gitops_gate.lib.patterns_test

import data.gitops_gate.lib.patterns

test_what_a_pattern_matches if {
	every pair in [
		["web", "web"],
		["*", "web"],
		["**", "shop/web"],
		["**/web", "web"],
		["**/web", "a/b/web"],
		["shop/**", "shop/a/b"],
		["shop/**/web", "shop/web"],
		["shop-*/w?b", "shop-1/web"],
		["a.b+c(d)[e]{f}|g^h$i\\", "a.b+c(d)[e]{f}|g^h$i\\"],
	] {
		patterns.matches(pair[0], pair[1])
	}
}

test_what_a_pattern_does_not_match if {
	every pair in [
		["*", "shop/web"],
		["w?b", "w/b"],
		["a.b", "axb"],
		["web", "web2"],
		["web", "my web"],
		["**/web", "myweb"],
		["shop/**", "shop"],
		["*", "päth"],
		["", "web"],
	] {
		not patterns.matches(pair[0], pair[1])
	}
}

test_what_is_no_pattern_matches_nothing if {
	every allow in [null, "web", 5, {"web": "web"}, [5, null, ["web"]], []] {
		not patterns.any_matches(allow, "web")
	}
	not patterns.any_matches(["**"], 5)
	patterns.any_matches(["a", "w*"], "web")
}
