// Package shipped holds what must go with the program wherever it goes: the licences and notices of what others wrote. Beside
// them are lists of the parts, in CycloneDX's JSON (*.cdx.json): of the program, and of each server's jars.
//
// All but jars.txt, which holds the notices that the jars lack, is made by `make sbom`. Tests compare it with what is linked
// and with the sums of the jars.
package shipped

import _ "embed"

//go:generate go run realtime-election/scripts/shipped

// Licenses are the licences and notices, as text.
//
//go:embed licenses.txt
var Licenses string
