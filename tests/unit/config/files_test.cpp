#include "config/config.h"
#include "tests/support/catch.h"

using namespace ota;
using namespace ota::config;

namespace {

template <class T>
std::string texts(const Parsed<T>& parsed) {
  std::string all;
  for (const Problem& problem : parsed.problems)
    all += problem.text() + "\n";
  return all;
}

}  // namespace

TEST_CASE("an empty object gives the defaults", "[config]") {
  CHECK(parse_console("{}", "c").value == model::ConsoleSettings{});
  CHECK(parse_thresholds("{}", "t").value == model::Thresholds{});
  CHECK(parse_ota_settings("{}", "o").value == model::OtaSettings{});
  CHECK(parse_thresholds("{}", "t").ok());
}

TEST_CASE("every key of the thresholds is taken", "[config]") {
  const auto parsed = parse_thresholds(
      R"({"cpu_threshold":80,"mem_threshold":70.5,"disk_threshold":60,"temp_threshold":75,
          "hysteresis":3,"watch_margin":7,"raise_after_s":0.2,"clear_after_s":1.5,"stale_after_s":2,
          "min_samples":3,"anomaly_score_threshold":0.7,"frozen_after_s":30,"block_escalate_after_s":60})",
      "t");
  INFO(texts(parsed));
  REQUIRE(parsed.ok());
  model::Thresholds expected;
  expected.cpu_threshold = 80;
  expected.mem_threshold = 70.5;
  expected.disk_threshold = 60;
  expected.temp_threshold = 75;
  expected.hysteresis = 3;
  expected.watch_margin = 7;
  expected.raise_after = milliseconds(200);
  expected.clear_after = milliseconds(1500);
  expected.stale_after = seconds(2);
  expected.min_samples = 3;
  expected.anomaly_score_threshold = 0.7;
  expected.frozen_after = seconds(30);
  expected.block_escalate_after = seconds(60);
  CHECK(parsed.value == expected);
}

TEST_CASE("a key of earlier releases says nothing, and its file is good", "[config]") {
  const auto parsed = parse_thresholds(R"({"refractory_s":9,"cpu_threshold":80})", "t");
  INFO(texts(parsed));
  CHECK(parsed.ok());
  CHECK(parsed.value.cpu_threshold == 80);
}

TEST_CASE("every key of the console's file is taken", "[config]") {
  const auto parsed = parse_console(
      R"({"listen":{"address":"::1","port":0},"server":{"threads":2,"names":["ota.example","10.0.0.1"]},
          "limits":{"connections":5,"stranger_connections":3,"connections_per_address":4,
            "stranger_body_bytes":1025,"body_memory_bytes":2000000,"device_events_per_hour":10,
            "device_kib_per_hour":11,"header_bytes":2048,"body_bytes":4096,
            "import_bytes":8192,"handshake_timeout_s":1,"header_timeout_s":2,"body_timeout_s":3,
            "idle_timeout_s":4.5,"requests_per_second_per_device":6,"samples_per_request":7,
            "download_kib_per_second":512,"json_depth":8,"enrol_attempts_per_minute":9},
          "agents":[{"id":"iot-001","dir":"agents/iot-001"}],"store":{"url":"sqlite:x/y.db"},
          "history":{"samples":60},"certificates":{"lifetime_days":0.5},
          "screen":{"hidden_columns":["group","temp"],"keys":{"update":["u","F2"]}}})",
      "c");
  INFO(texts(parsed));
  REQUIRE(parsed.ok());
  const model::ConsoleSettings& value = parsed.value;
  CHECK(value.listen_address == "::1");
  CHECK(value.port == 0);
  CHECK(value.threads == 2);
  CHECK(value.extra_names == std::vector<std::string>{"ota.example", "10.0.0.1"});
  CHECK(value.limits.connections == 5);
  CHECK(value.limits.connections_per_address == 4);
  CHECK(value.limits.stranger_connections == 3);
  CHECK(value.limits.stranger_body_bytes == 1025);
  CHECK(value.limits.body_memory_bytes == 2'000'000);
  CHECK(value.limits.device_events_per_hour == 10);
  CHECK(value.limits.device_kib_per_hour == 11);
  CHECK(value.limits.header_bytes == 2048);
  CHECK(value.limits.body_bytes == 4096);
  CHECK(value.limits.import_bytes == 8192);
  CHECK(value.limits.handshake_timeout == seconds(1));
  CHECK(value.limits.header_timeout == seconds(2));
  CHECK(value.limits.body_timeout == seconds(3));
  CHECK(value.limits.idle_timeout == milliseconds(4500));
  CHECK(value.limits.requests_per_second_per_device == 6);
  CHECK(value.limits.samples_per_request == 7);
  CHECK(value.limits.json_depth == 8);
  CHECK(value.limits.download_kib_per_second == 512);
  CHECK(value.limits.enrol_attempts_per_minute == 9);
  REQUIRE(value.agents.size() == 1);
  CHECK(value.agents[0] == model::LocalAgent{"iot-001", "agents/iot-001"});
  CHECK(value.store_url == "sqlite:x/y.db");
  CHECK(value.history_samples == 60);
  CHECK(value.certificate_lifetime == std::chrono::hours(12));
  CHECK(value.screen.hidden_columns == std::set<std::string>{"group", "temp"});
  CHECK(value.screen.keys ==
        std::map<std::string, std::vector<std::string>>{{"update", {"u", "F2"}}});
}

TEST_CASE("every key of the update settings is taken", "[config]") {
  const auto parsed = parse_ota_settings(
      R"({"target_version":null,"model_overrides":{"sim-b":"2.1.4"},"watch_period_s":1,"max_retries":0,
          "deadlines":{"queued_s":1,"sent_s":2,"download_s":3,"verify_s":4,"install_s":5,"boot_s":6,
                       "confirm_s":0.5},
          "maintenance_windows":[{"name":"nights","groups":["lab"],"days":["mon","sun"],
                                  "from":"23:30","to":"01:00"},
                                 {"name":"always","from":"00:00","to":"00:00"}],
          "data_budget":{"bytes_per_day":1000000000000,"groups":{"roof":0,"hall":5000000000},
                         "devices":{"iot-001":7}}})",
      "o");
  INFO(texts(parsed));
  REQUIRE(parsed.ok());
  const model::OtaSettings& value = parsed.value;
  CHECK_FALSE(value.target_version);
  CHECK(value.target_for("sim-b") == model::Version(2, 1, 4));
  CHECK(value.watch_period == seconds(1));
  CHECK(value.max_retries == 0);
  CHECK(value.queued_deadline == seconds(1));
  CHECK(value.sent_deadline == seconds(2));
  CHECK(value.download_deadline == seconds(3));
  CHECK(value.verify_deadline == seconds(4));
  CHECK(value.install_deadline == seconds(5));
  CHECK(value.boot_deadline == seconds(6));
  CHECK(value.confirm_deadline == milliseconds(500));
  REQUIRE(value.maintenance_windows.size() == 2);
  CHECK(value.maintenance_windows[0] ==
        model::MaintenanceWindow{
            "nights", {"lab"}, 0x41, model::minutes(23 * 60 + 30), model::minutes(90)});
  CHECK(value.maintenance_windows[1] ==
        model::MaintenanceWindow{
            "always", {}, model::kEveryDay, model::minutes(0), model::kWholeDay});
  CHECK(value.data_budget.bytes_per_day == 1'000'000'000'000);
  CHECK(value.data_budget.limit_for("iot-002", "hall") == 5'000'000'000);
  CHECK(value.data_budget.limit_for("iot-002", "roof") == 0);
  CHECK(value.data_budget.limit_for("iot-001", "hall") == 7);
}

TEST_CASE("a whitelist names its devices", "[config]") {
  const auto parsed = parse_whitelist(
      R"({"devices":[{"id":"iot-001","hardware":"sim-a","group":"lab","notes":"räume → 2"},
                     {"id":"iot-002","hardware":"Pi.4"}]})",
      "d");
  INFO(texts(parsed));
  REQUIRE(parsed.ok());
  REQUIRE(parsed.value.devices.size() == 2);
  CHECK(parsed.value.find("iot-001")->notes == "räume → 2");
  CHECK(parsed.value.find("iot-002")->group == "default");
}

TEST_CASE("a problem names place, finding and what is accepted", "[config]") {
  const auto parsed = parse_thresholds("{\n  \"cpu_threshold\": 140\n}", "config/thresholds.json");
  CHECK(texts(parsed) ==
        "config/thresholds.json:2:20: cpu_threshold is 140; accepted: a number from 1 to 100\n");
}

TEST_CASE("all problems of a file are reported in its order, and none of it is taken", "[config]") {
  const auto parsed = parse_thresholds(
      "{\"mem_threshold\": \"high\",\n"
      " \"cpu_treshold\": 50,\n"
      " \"disk_threshold\": 80,\n"
      " \"min_samples\": 2.5,\n"
      " \"temp_threshold\": [],\n"
      " \"hysteresis\": -1,\n"
      " \"volume\": 11}",
      "t");
  CHECK(texts(parsed) ==
        "t:1:19: mem_threshold is \"high\"; accepted: a number from 1 to 100\n"
        "t:2:2: unknown key \"cpu_treshold\"; did you mean \"cpu_threshold\"?\n"
        "t:4:17: min_samples is 2.5; accepted: a whole number from 1 to 1000\n"
        "t:5:20: temp_threshold is an array; accepted: a number from 1 to 200\n"
        "t:6:16: hysteresis is -1; accepted: a number from 0 to 50\n"
        "t:7:2: unknown key \"volume\"; accepted: cpu_threshold, mem_threshold, disk_threshold, "
        "temp_threshold, hysteresis, watch_margin, raise_after_s, clear_after_s, stale_after_s, "
        "min_samples, anomaly_score_threshold, frozen_after_s, "
        "block_escalate_after_s\n");
  CHECK(parsed.value == model::Thresholds{});
}

TEST_CASE("values that lead elsewhere or nowhere are refused", "[config]") {
  for (const char* text :
       {R"({"listen":{"address":"nowhere"}})", R"({"listen":{"port":65536}})",
        R"({"listen":{"port":"8443"}})", R"({"listen":[]})", R"({"store":{"url":"sqlite:/etc/x"}})",
        R"({"store":{"url":"sqlite:../x"}})", R"({"store":{"url":"mysql:x"}})",
        R"({"agents":[{"id":"iot-001","dir":"/agents"}]})", R"({"agents":[{"id":"iot-001"}]})",
        R"({"agents":[{"id":"../x","dir":"a"}]})", R"({"agents":[7]})",
        R"({"agents":[{"id":"a","dir":"a"},{"id":"a","dir":"b"}]})",
        R"({"server":{"names":["bad name"]}})", R"({"server":{"threads":0}})", "[]", "7", ""}) {
    INFO(text);
    const auto parsed = parse_console(text, "c");
    CHECK(parsed.problems.size() == 1);
    CHECK(parsed.value == model::ConsoleSettings{});
  }
  for (const char* text :
       {"{}", R"({"devices":{}})", R"({"devices":[{"id":"IOT","hardware":"a"}]})",
        R"({"devices":[{"id":"a"}]})",
        R"({"devices":[{"id":"a","hardware":"b","notes":"\u001b[2J"}]})",
        R"({"devices":[{"id":"a","hardware":"b"},{"id":"a","hardware":"b"}]})",
        R"({"devices":[{"id":"a","hardware":"b","colour":"red"}]})"}) {
    INFO(text);
    CHECK(parse_whitelist(text, "d").problems.size() == 1);
  }
  for (const char* text :
       {R"({"target_version":"latest"})",
        R"({"target_version":2})",
        R"({"model_overrides":{"sim-b":2}})",
        R"({"model_overrides":{"a b":"1.0.0"}})",
        R"({"deadlines":{"sent":1}})",
        R"({"maintenance_windows":[{"name":"a","from":"02:00"}]})",
        R"({"maintenance_windows":[{"name":"a","from":"25:00","to":"03:00"}]})",
        R"({"maintenance_windows":[{"name":"a","from":"02:00","to":"03:00","days":["monday"]}]})",
        R"({"maintenance_windows":[{"name":"a","from":"02:00","to":"03:00"},
                                   {"name":"a","from":"04:00","to":"05:00"}]})",
        R"({"data_budget":1000})",
        R"({"data_budget":{"bytes_per_day":-1}})",
        R"({"data_budget":{"bytes_per_day":1.5}})",
        R"({"data_budget":{"bytes_per_day":1000000000001}})",
        R"({"data_budget":{"bytes_per_day":"20 MB"}})",
        R"({"data_budget":{"group":{"a":1}}})",
        R"({"data_budget":{"groups":{"a b":1}}})",
        R"({"data_budget":{"groups":{"a":"1"}}})",
        R"({"data_budget":{"devices":{"IOT":1}}})",
        R"({"data_budget":{"devices":{"a":-1}}})",
        R"({"watch_period_s":1e999})"}) {
    INFO(text);
    CHECK(parse_ota_settings(text, "o").problems.size() == 1);
  }
}

TEST_CASE(
    "a key of the screen is one that there is, for an action that there is, and for one alone",
    "[config]") {
  const auto problems = [](const std::string& keys) {
    return texts(parse_console(R"({"screen":{"keys":)" + keys + "}}", "c"));
  };
  CHECK(problems(R"({"update":["F2"],"quit":["F10","Q"]})").empty());
  CHECK(problems(R"({"launch":["F2"]})").find("c:1:20: screen.keys.launch is no action") == 0);
  CHECK(problems(R"({"update":"u"})").find("accepted: an array of 1 to 8 keys") !=
        std::string::npos);
  CHECK(problems(R"({"update":[]})").find("accepted: an array of 1 to 8 keys") !=
        std::string::npos);
  CHECK(problems(R"({"update":["Ctrl-C"]})").find("accepted: one sign, or a key") !=
        std::string::npos);
  CHECK(problems(R"({"update":["F2"],"quit":["F2"]})")
            .find("screen.keys.quit: \"F2\" is a key of update already") != std::string::npos);
  CHECK(texts(parse_console(R"({"screen":{"hidden_columns":["state"]}})", "c"))
            .find("accepted: an array of model, group") != std::string::npos);
}

TEST_CASE("a second device of one id is shown with the line of the first", "[config]") {
  const auto parsed = parse_whitelist(
      "{\"devices\":[\n{\"id\":\"a\",\"hardware\":\"b\"},\n{\"id\":\"a\",\"hardware\":\"c\"}]}",
      "d");
  CHECK(texts(parsed) == "d:3:1: devices[1]: id \"a\" stands twice, first in line 2\n");
}

TEST_CASE("a file that is wrong everywhere gives a bounded list", "[config]") {
  std::string text = "{\"devices\":[";
  for (int i = 0; i < 5000; ++i)
    text += "7,";
  const auto parsed = parse_whitelist(text + "7]}", "d");
  CHECK(parsed.problems.size() == 101);
  CHECK(parsed.problems.back().message == "and 4901 more problems");
}

TEST_CASE("links to DDI devices may begin with a name, an address, and an IPv6 address in brackets",
          "[config]") {
  const auto parse = [](const std::string& url) {
    return parse_console(R"({"ddi":{"listen":{"port":8444},"public_url":")" + url + R"("}})", "c");
  };
  for (const char* good : {"https://ota.example", "https://ota.example:8444", "https://10.0.0.1:1",
                           "https://[2001:db8::1]", "https://[::1]:8444", "https://[::1]:65535"}) {
    CAPTURE(good);
    const auto parsed = parse(good);
    INFO(texts(parsed));
    CHECK(parsed.ok());
    CHECK(parsed.value.ddi.public_url == good);
  }
  for (const char* bad :
       {"http://ota.example", "https://", "https://ota.example/", "https://ota.example:65536",
        "https://ota.example:", "https://2001:db8::1", "https://[2001:db8::1", "https://[ota]:8444",
        "https://[::1]8444", "https://[::1]/x", "https://a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse(bad).ok());
  }
}
