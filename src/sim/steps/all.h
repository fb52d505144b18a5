// The functions behind the table of steps.cpp.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace ota::sim {

class World;

Result<void> run_start(World& world, const Json& keys);
Result<void> run_stop(World& world, const Json& keys);
Result<void> run_restart(World& world, const Json& keys);
Result<void> run_kill(World& world, const Json& keys);
Result<void> run_network(World& world, const Json& keys);
Result<void> run_tamper(World& world, const Json& keys);
Result<void> run_keep(World& world, const Json& keys);
Result<void> run_put_back(World& world, const Json& keys);
Result<void> run_publish(World& world, const Json& keys);
Result<void> run_forge_certificate(World& world, const Json& keys);
Result<void> run_join(World& world, const Json& keys);
Result<void> run_lie(World& world, const Json& keys);
Result<void> run_fill_disk(World& world, const Json& keys);
Result<void> run_move_clock(World& world, const Json& keys);
Result<void> run_wait_until(World& world, const Json& keys);
Result<void> run_expect(World& world, const Json& keys);
Result<void> run_push(World& world, const Json& keys);
Result<void> run_expect_event(World& world, const Json& keys);
Result<void> run_expect_no_event(World& world, const Json& keys);
Result<void> run_expect_log(World& world, const Json& keys);
Result<void> run_expect_no_log(World& world, const Json& keys);
Result<void> run_otactl(World& world, const Json& keys);
Result<void> run_audit(World& world, const Json& keys);
Result<void> run_expect_slots(World& world, const Json& keys);

Result<void> run_stolen_server(World& world, const Json& keys);
Result<void> run_sign(World& world, const Json& keys);
Result<void> run_rotate(World& world, const Json& keys);
Result<void> run_attack(World& world, const Json& keys);
Result<void> run_ask_signers(World& world, const Json& keys);
Result<void> run_roll_back(World& world, const Json& keys);
Result<void> run_rollback_storm(World& world, const Json& keys);
Result<void> run_restore(World& world, const Json& keys);
Result<void> run_order(World& world, const Json& keys);
Result<void> run_device_clock(World& world, const Json& keys);

// Whether the device would boot from exactly one whole slot: the link names a slot, and that slot's
// image has the digest that its own record says.
Result<void> check_slots(const World& world, const std::string& device);

}  // namespace ota::sim
