#include <vector>

#include "cli/command.h"
#include "cli/commands/all.h"

namespace ota::cli {

std::span<const Command> commands() {
  static const std::vector<Command> kTable{
      status_command(),
      devices_command(),
      device_command(),
      push_command(),
      jobs_command(),
      trace_command(),
      cancel_command(),
      rollback_command(),
      stop_command(),
      resume_command(),
      acknowledge_command(),
      logs_command(),
      explain_command(),
      watch_command(),
      enroll_command(),
      renew_command(),
      revoke_command(),
      operator_list_command(),
      operator_revoke_command(),
      // Devices that speak hawkBit's DDI.
      ddi_token_command(),
      ddi_ask_command(),
      ddi_use_command(),
      ddi_waiting_command(),
      ddi_accept_command(),
      ddi_gateway_token_command(),
      firmware_list_command(),
      firmware_patches_command(),
      firmware_add_command(),
      firmware_remove_command(),
      firmware_prune_command(),
      keys_init_command(),
      keys_rotate_command(),
      keys_take_offline_command(),
      keys_pending_command(),
      keys_request_command(),
      keys_trust_command(),
      keys_sign_command(),
      keys_submit_command(),
      keys_discard_command(),
      agents_command(),
      audit_verify_command(),
      audit_acknowledge_command(),
      audit_prove_command(),
      audit_export_command(),
      state_export_command(),
      state_import_command(),
      config_check_command(),
      rollout_judge_command(),
      replay_command(),
      backtest_command(),
      drill_command(),
  };
  return kTable;
}

std::string_view group_summary(std::string_view group) {
  if (group == "firmware") return "what is published: list, add, remove";
  if (group == "ddi") return "devices that speak hawkBit's DDI: SWUpdate, RAUC, Zephyr";
  if (group == "operator") return "who may do what this program does";
  if (group == "rollout") return "an update to many devices, as it is judged";
  if (group == "keys") return "where the signing keys are, and who must sign";
  if (group == "audit") return "the log of events, as others can verify it";
  if (group == "state") return "the whole state as one file";
  if (group == "config") return "the configuration files";
  return "";
}

}  // namespace ota::cli
