// One factory for each command; commands.cpp lists them in the order of the help.
#pragma once

#include "cli/command.h"

namespace ota::cli {

Command status_command();
Command devices_command();
Command device_command();
Command push_command();
Command jobs_command();
Command cancel_command();
Command rollback_command();
Command stop_command();
Command resume_command();
Command logs_command();
Command watch_command();
Command enroll_command();
Command renew_command();
Command revoke_command();
Command operator_list_command();
Command operator_revoke_command();
Command acknowledge_command();
Command firmware_list_command();
Command firmware_patches_command();
Command firmware_add_command();
Command firmware_remove_command();
Command firmware_prune_command();
Command keys_init_command();
Command keys_rotate_command();
Command keys_take_offline_command();
Command keys_pending_command();
Command keys_request_command();
Command keys_sign_command();
Command keys_trust_command();
Command keys_submit_command();
Command keys_discard_command();
Command agents_command();
Command audit_verify_command();
Command audit_acknowledge_command();
Command audit_prove_command();
Command audit_export_command();
Command state_export_command();
Command state_import_command();
Command config_check_command();
Command drill_command();
Command rollout_judge_command();
Command replay_command();
Command backtest_command();
Command trace_command();
Command explain_command();
Command ddi_token_command();
Command ddi_ask_command();
Command ddi_use_command();
Command ddi_waiting_command();
Command ddi_accept_command();
Command ddi_gateway_token_command();

}  // namespace ota::cli
