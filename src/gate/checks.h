// The gate's checks: for each a rule, which is cheap, and the words for what the rule found.
// gate.cpp holds their table and order.
//
// Pure: no clock, no I/O; any thread. A rule allocates nothing. Each says what it saw and what
// would have to change, also for inputs that an earlier check refuses.
#pragma once

#include "gate/gate.h"

namespace ota::gate::rules {

// About the device.
Reason known(const Question& asked);
Words known_words(const Input& input, Reason found);
Reason enrolled(const Question& asked);
Words enrolled_words(const Input& input, Reason found);
Reason online(const Question& asked);
Words online_words(const Input& input, Reason found);
Reason trusted_image(const Question& asked);
Words trusted_image_words(const Input& input, Reason found);
Reason verdict(const Question& asked);
Words verdict_words(const Input& input, Reason found);

// About the release.
Reason published(const Question& asked);
Words published_words(const Input& input, Reason found);
Reason hardware(const Question& asked);
Words hardware_words(const Input& input, Reason found);
Reason version(const Question& asked);
Words version_words(const Input& input, Reason found);
Reason no_job(const Question& asked);
Words no_job_words(const Input& input, Reason found);
Reason not_rejected(const Question& asked);
Words not_rejected_words(const Input& input, Reason found);
// About the hour.
Reason not_stopped(const Question& asked);
Words not_stopped_words(const Input& input, Reason found);

Reason maintenance_window(const Question& asked);
Words maintenance_window_words(const Input& input, Reason found);
Reason data_budget(const Question& asked);
Words data_budget_words(const Input& input, Reason found);
// About the server.
Reason state_saved(const Question& asked);
Words state_saved_words(const Input& input, Reason found);

// Whether the operator's word stands over a refusal: a reason, and a release that may need it.
bool overridden(const Question& asked);

// "v2.1.5 (sha256 0123456789ab)".
std::string describe(const model::Image& image);

}  // namespace ota::gate::rules
