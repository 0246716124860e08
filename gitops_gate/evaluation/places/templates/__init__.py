"""Go templates, executed here so that every character of the result knows where it came from.

    source ──parse──> nodes ──execute──> pieces: text with the place that gave it

Only what charts commonly use is understood (Go's `text/template`, a part of Sprig, Helm's own
functions). Anything else gives an unknown value, which is never sure, and stops nothing. This is
no renderer: what really was rendered comes from Helm, and what is found here is compared with it.
Templates are hostile: steps, depth and sizes are capped, and no pattern of theirs is ever compiled.
"""
