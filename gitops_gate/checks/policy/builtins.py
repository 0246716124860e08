"""Which built-in functions a policy may call: those that both engines have and that only compute.

The allow-list is what the embedded engine and OPA 1.x share
(https://www.openpolicyagent.org/docs/policy-reference/builtins), less what reaches outside or
gives another answer each time. `REFUSED_BUILTINS` says why the best known of those are left out.
"""

from __future__ import annotations

_SHARED = """
abs array.concat array.reverse array.slice base64.decode base64.encode base64.is_valid
base64url.decode base64url.encode base64url.encode_no_pad bits.and bits.lsh bits.negate bits.or
bits.rsh bits.xor ceil concat contains count endswith floor format_int glob.match
glob.quote_meta graph.reachable graph.reachable_paths hex.decode hex.encode indexof indexof_n
intersection is_array is_boolean is_null is_number is_object is_set is_string json.filter
json.is_valid json.marshal json.patch json.remove json.unmarshal lower max min
net.cidr_contains net.cidr_expand net.cidr_is_valid numbers.range numbers.range_step
object.filter object.get object.keys object.remove object.subset object.union object.union_n
print product regex.find_all_string_submatch_n regex.find_n regex.is_valid regex.match
regex.replace regex.split regex.template_match replace round semver.compare semver.is_valid
sort split sprintf startswith strings.any_prefix_match strings.any_suffix_match strings.count
strings.replace_n strings.reverse substring sum time.add_date time.clock time.date time.diff
time.format time.parse_duration_ns time.parse_ns time.parse_rfc3339_ns time.weekday to_number
trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union units.parse
units.parse_bytes upper urlquery.decode urlquery.encode walk yaml.is_valid yaml.marshal
yaml.unmarshal
"""

ALLOWED_BUILTINS = frozenset(_SHARED.split())

_REACHES_OUTSIDE = "it reaches outside of the decision"
_ANOTHER_EACH_TIME = "its answer is another one each time"

REFUSED_BUILTINS = {
    "http.send": _REACHES_OUTSIDE,
    "net.lookup_ip_addr": _REACHES_OUTSIDE,
    "opa.runtime": _REACHES_OUTSIDE,
    "rand.intn": _ANOTHER_EACH_TIME,
    "time.now_ns": _ANOTHER_EACH_TIME,
    "uuid.rfc4122": _ANOTHER_EACH_TIME,
}
