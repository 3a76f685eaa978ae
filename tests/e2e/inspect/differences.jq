# Two objects of normal.jq in $theirs and $ours: one line for each value that differs, as
# "SECTION <tab> OBJECT <tab> PATH <tab> THEIRS <tab> OURS".

def leaves: [paths(type != "object" and type != "array" or length == 0)];
def text: map(if type == "number" then "[\(.)]" else ".\(.)" end) | join("") | ltrimstr(".");

$theirs[0] as $a | $ours[0] as $b
| ["containers", "networks", "volumes"][] as $section
| ($a[$section] + $b[$section] | keys[]) as $object
| ($a[$section][$object]) as $x | ($b[$section][$object]) as $y
| if $x == null or $y == null then [[]] else [$x, $y] | map(leaves) | add | unique end
| .[] as $path
| select(($x | getpath($path)) != ($y | getpath($path)))
| [$section, $object, ($path | text), ($x | getpath($path) | tojson), ($y | getpath($path) | tojson)]
| @tsv
