// Every invariant's maker: a file of this folder each, and a line of the table in oracle.cpp.
#pragma once

#include <memory>

#include "world/oracle.h"

namespace ota::world {

std::unique_ptr<Invariant> shown_was_true();
std::unique_ptr<Invariant> counted_was_confirmed();
std::unique_ptr<Invariant> always_bootable();
std::unique_ptr<Invariant> acknowledged_is_kept();
std::unique_ptr<Invariant> final_is_final();
std::unique_ptr<Invariant> job_has_deadline();
std::unique_ptr<Invariant> offer_was_allowed();
std::unique_ptr<Invariant> cancelled_is_over();
std::unique_ptr<Invariant> never_below_floor();
std::unique_ptr<Invariant> only_published_runs();
std::unique_ptr<Invariant> token_once();
std::unique_ptr<Invariant> revoked_stays_out();
std::unique_ptr<Invariant> own_jobs_only();
std::unique_ptr<Invariant> verdict_survives();
std::unique_ptr<Invariant> gate_word_is_the_gates();
std::unique_ptr<Invariant> log_is_whole();
std::unique_ptr<Invariant> clone_is_noticed();
std::unique_ptr<Invariant> everything_comes_to_rest();
std::unique_ptr<Invariant> ends_are_counted_once();
std::unique_ptr<Invariant> ill_is_not_kept();
std::unique_ptr<Invariant> newest_report_counts();
std::unique_ptr<Invariant> no_server_error();
std::unique_ptr<Invariant> trial_is_counted();
std::unique_ptr<Invariant> reports_are_delivered();
std::unique_ptr<Invariant> ddi_is_true();
std::unique_ptr<Invariant> stopped_is_stopped();
std::unique_ptr<Invariant> budget_is_kept();
std::unique_ptr<Invariant> saved_is_kept();
std::unique_ptr<Invariant> started_was_allowed();
std::unique_ptr<Invariant> screen_is_true();
std::unique_ptr<Invariant> import_is_told();

}  // namespace ota::world
