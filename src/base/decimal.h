// A float as the decimal number that was meant by it. Pure; any thread.
#pragma once

namespace ota {

// The double that prints as the float's own shortest decimal: 10.1F gives 10.1, where a plain
// conversion gives 10.100000381469727. Converted back it is the same float. NaN and infinities stay
// what they are.
double as_written(float value);

}  // namespace ota
