#include "world/world.h"

#include <set>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "world/acts.h"
#include "world/explorer.h"

namespace ota::world {
namespace {

WorldReport lived(const Plan& plan) {
  World world(plan, Trace::Keep::kLines, test::TempFolder::fast_parent());
  return world.run();
}

// Small: these run with every test.
Plan small_plan(std::uint64_t seed) {
  Plan plan = draw_plan(seed);
  plan.devices = 2;
  std::erase_if(plan.acts, [&](const Act& act) { return act.at > std::chrono::minutes(6); });
  plan.chaos = std::chrono::minutes(6);
  return plan;
}

TEST_CASE("two lives of a plan are the same to the last line", "[world]") {
  const Plan plan = small_plan(3);
  const WorldReport first = lived(plan);
  const WorldReport second = lived(plan);
  CHECK(first.lines.size() > 200);
  CHECK(first.lines == second.lines);
  CHECK(first.hash == second.hash);
  CHECK_FALSE(first.finding.has_value());
  CHECK(lived(small_plan(4)).hash != first.hash);
}

TEST_CASE("a plan comes back from its document as it was", "[world]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Json document = to_document(draw_plan(seed));
    const auto plan = plan_from(document);
    REQUIRE(plan.has_value());
    CHECK(to_document(*plan) == document);
  }
  Json foreign = to_document(draw_plan(1));
  foreign["acts"][0]["kind"] = "earthquake";
  CHECK_FALSE(plan_from(foreign).has_value());
  CHECK_FALSE(plan_from(Json::array()).has_value());
}

TEST_CASE("every act and every invariant has a name of its own and says what it is", "[world]") {
  std::set<std::string> names;
  for (const ActKind& kind : act_kinds()) {
    CHECK(names.insert(kind.name).second);
    CHECK(std::string(kind.help).size() > 5);
    CHECK(kind.weight > 0);
    CHECK(find_act(kind.name) == &kind);
  }
  CHECK(find_act("earthquake") == nullptr);
  names.clear();
  for (const InvariantKind& kind : invariant_kinds()) {
    CHECK(names.insert(kind.name).second);
    CHECK(std::string(kind.promise).size() > 10);
    CHECK(kind.make() != nullptr);
  }
}

TEST_CASE("seeds draw different swarms, and every act is in some", "[world]") {
  std::set<std::string> drawn;
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Plan plan = draw_plan(seed);
    std::set<std::string> kinds;
    for (const Act& act : plan.acts) {
      kinds.insert(act.kind.substr(0, act.kind.find('@')));
      CHECK(act.device < (is_ddi(*find_act(act.kind)) ? plan.ddi : plan.devices));
    }
    sizes.insert(kinds.size());
    drawn.merge(kinds);
  }
  CHECK(drawn.size() == act_kinds().size());
  CHECK(sizes.size() > 10);
}

}  // namespace
}  // namespace ota::world
