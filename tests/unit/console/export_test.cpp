// What leaves the screen: the selected line by y, all that a view lists by x.
#include "console/export.h"

#include "tests/support/catch.h"
#include "tests/unit/console/desk.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

namespace {

std::string copied(Desk& desk) {
  desk.keys("y");
  const auto effects = desk.ui.take_effects();
  return effects.empty() ? "" : effects.back().text;
}

std::string exported(Desk& desk) {
  desk.backend.files.clear();
  desk.keys("x Enter");
  return desk.backend.files.empty() ? "" : desk.backend.files.begin()->second;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("y copies the selected device's line and x writes all of them", "[console]") {
  Desk desk;
  desk.type(":device iot-002");
  desk.keys("Enter Esc");
  const std::string line = copied(desk);
  CHECK(line.starts_with("iot-002  BLOCKED  v2.1.4"));
  CHECK(has(line, "gate: cpu, temp"));
  desk.keys("x");
  CHECK(desk.ui.state().prompt->text == "devices-20260820T140322Z.csv");
  desk.keys("Esc");
  const std::string csv = exported(desk);
  CHECK(csv.starts_with("device,model,group,state"));
  CHECK(has(csv, ",target,gate,client,job,job_state,job_percent\n"));
  CHECK(has(csv, ",\"cpu, temp\","));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 13);
  for (const std::string& row : split(csv, '\n'))
    CHECK((row.empty() || has(row, "\"") || std::count(row.begin(), row.end(), ',') == 17));
}

TEST_CASE("each view exports what it shows, and not the summary's table", "[console]") {
  Desk desk;
  desk.backend.trust_page = screen_trust();
  desk.settle();
  desk.keys("5");
  CHECK(exported(desk).starts_with("─ Agents of this host"));
  CHECK(desk.backend.files.begin()->first == "agents-20260820T140322Z.txt");
  CHECK(has(copied(desk), desk.ui.state().agent + " "));
  desk.keys("4 K");
  CHECK(has(exported(desk), "Waiting for signatures 2"));
  CHECK(has(copied(desk), "signatures"));
  desk.keys("4");
  CHECK(has(exported(desk), "\"job-"));
  CHECK(has(copied(desk), "try "));
  desk.type(":device iot-002");
  desk.keys("Enter");
  const std::string page = exported(desk);
  CHECK(has(page, "High Load"));
  CHECK_FALSE(has(page, "rows more"));
}

TEST_CASE("graphs that reach into the past export what they show of it", "[console]") {
  Desk desk;
  desk.type(":device iot-002");
  desk.keys("Enter 2");
  const auto rows = [&] {
    const std::string csv = exported(desk);
    return std::count(csv.begin(), csv.end(), '\n');
  };
  const auto live = rows();
  desk.keys("- - - - - - -");
  CHECK(rows() > live);
}

TEST_CASE("a cell that a spreadsheet would run leaves as text", "[console]") {
  Desk desk;
  const auto fleet = screen_fleet();
  auto chunk = *fleet->rows.front();
  auto row = std::make_shared<fleet::DeviceRow>(*chunk.front());
  row->gate = "=cmd|'/c calc'!A1";
  chunk.front() = row;
  fleet->rows.front() = std::make_shared<std::decay_t<decltype(chunk)>>(chunk);
  desk.backend.fleet = fleet;
  desk.settle();
  const std::string csv = exported(desk);
  CHECK(has(csv, ",'=cmd|"));
  CHECK_FALSE(has(csv, ",=cmd|"));
}

TEST_CASE("no control byte leaves with a copy or an export", "[console]") {
  Desk desk;
  auto fleet = screen_fleet();
  auto events = *fleet->events;
  auto event = std::make_shared<model::Event>(*events.back());
  event->seq += 1;
  event->message = "a\033]0;title\a b\u009bc";
  events.push_back(event);
  fleet->events = std::make_shared<const Events>(events);
  desk.backend.fleet = fleet;
  desk.settle();
  desk.keys("3");
  const auto clean = [](const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) {
                          return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
                        }) &&
           !has(text, "\u009b");
  };
  CHECK(clean(copied(desk)));
  CHECK(clean(exported(desk)));
  desk.keys("Enter");
  const std::string record = copied(desk);
  CHECK(clean(record));
  CHECK(has(record, "\"id\""));
}
