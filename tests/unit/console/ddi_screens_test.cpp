// Devices that are updated over DDI, on the screen.
#include "console/views/scene.h"
#include "tests/support/catch.h"
#include "tests/support/screen_fixture.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

namespace {

// iot-002 of the made fleet, updated over DDI and without telemetry.
struct DdiScreen {
  DdiScreen() {
    fleet = screen_fleet();
    for (auto& chunk : fleet->rows) {
      auto changed = std::make_shared<fleet::RowChunk>(*chunk);
      for (auto& row : *changed) {
        if (row->id != "iot-002") continue;
        auto own = std::make_shared<fleet::DeviceRow>(*row);
        auto record = std::make_shared<model::DeviceRecord>(*row->record);
        record->ddi = model::DdiClient{};
        record->ddi->name = "SWUpdate";
        own->record = record;
        own->over_ddi = true;
        own->values = {};
        row = own;
      }
      chunk = changed;
    }
    auto made = std::make_shared<fleet::DeviceDetail>(*screen_detail(*fleet, "iot-002"));
    made->record->ddi = model::DdiClient{};
    made->record->ddi->name = "SWUpdate";
    made->record->ddi->attributes = {{"hwRev", "1.0"}};
    model::Job job;
    job.id = "job-000007";
    job.ddi = model::DdiProgress{};
    job.ddi->log = {"a plain line", "[ERROR] : SWUPDATE failed [0] ERROR : no space"};
    made->jobs = {job};
    detail = made;
  }
  std::string draw(View view) const {
    UiState state;
    state.view = view;
    state.device = "iot-002";
    Model model;
    model.fleet = fleet;
    model.agents = screen_agents();
    model.server = screen_server();
    model.now = screen_time();
    model.detail = detail;
    arrange(model, state);
    return draw_screen(model, state, {120, 60}, ViewOptions{}).text();
  }

  std::shared_ptr<fleet::Snapshot> fleet;
  std::shared_ptr<const fleet::DeviceDetail> detail;
};

bool in_order(const std::string& text, std::string_view first, std::string_view second) {
  const auto at = text.find(first);
  return at != std::string::npos && text.find(second, at) != std::string::npos;
}

}  // namespace

TEST_CASE("the summary names a DDI device's client where readings would stand", "[console]") {
  CHECK(DdiScreen().draw(View::kSummary).find("SWUpdate") != std::string::npos);
}

TEST_CASE("a DDI device's page has its attributes and its log, ERROR lines first", "[console]") {
  const std::string page = DdiScreen().draw(View::kDevice);
  CHECK(page.find("hwRev = 1.0") != std::string::npos);
  CHECK(in_order(page, "ERROR : no space", "a plain line"));
}

TEST_CASE("ids that wait to join over DDI are shown with what is to be done", "[console]") {
  DdiScreen screen;
  CHECK(screen.draw(View::kAgents).find("Wait to join") == std::string::npos);
  model::DdiWaiting waiting;
  waiting.id = "press-07";
  waiting.client = "SWUpdate";
  waiting.listed = true;
  screen.fleet->ddi_waiting.push_back(waiting);
  waiting.id = "stranger";
  waiting.listed = false;
  screen.fleet->ddi_waiting.push_back(waiting);
  const std::string view = screen.draw(View::kAgents);
  CHECK(view.find("Wait to join over DDI 2") != std::string::npos);
  CHECK(in_order(view, "press-07", "may be accepted"));
  CHECK(in_order(view, "stranger", "not in config/devices.json"));
}
