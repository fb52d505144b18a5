#include "fleet/publisher.h"

#include "tests/support/catch.h"

using namespace ota;
using fleet::DeviceTable;
using fleet::LiveDevice;
using fleet::Publisher;

namespace {

std::string row_name(int i) {
  return "dev-" + std::to_string(10000 + i);
}

struct Fixture {
  DeviceTable table;
  Publisher publisher;
  std::shared_ptr<const model::Settings> settings = std::make_shared<const model::Settings>();

  void add(const std::string& id) {
    DeviceTable::Stripe& stripe = table.stripe_of(id);
    stripe.devices[id] =
        std::make_unique<LiveDevice>(id, std::make_shared<const model::Thresholds>(), 0);
    publisher.order_anew();
  }
  void publish(Publisher::RestChanged rest = Publisher::RestChanged::kNo) {
    Publisher::Rest out;
    out.settings = settings;
    publisher.publish(table, std::move(out), rest);
  }
};

}  // namespace

TEST_CASE("a snapshot shares every row and chunk that did not change", "[fleet]") {
  Fixture it;
  for (int i = 0; i < 1000; ++i)
    it.add(row_name(i));
  it.publish();
  const auto before = it.publisher.latest();
  REQUIRE(before->rows.size() == 4);
  CHECK(before->counts.devices == 1000);
  it.table.with(row_name(300), [](LiveDevice& device) { device.online = true; });
  it.publish();
  const auto after = it.publisher.latest();
  CHECK(after->revision == before->revision + 1);
  CHECK(after->rows[0] == before->rows[0]);
  CHECK(after->rows[1] != before->rows[1]);
  CHECK(after->rows[3] == before->rows[3]);
  CHECK((*after->rows[1])[0] == (*before->rows[1])[0]);
  CHECK(after->find(row_name(300))->online);
  CHECK_FALSE(before->find(row_name(300))->online);  // what was published stays as it was
  CHECK(after->counts.online == 1);
}

TEST_CASE("nothing new is not published", "[fleet]") {
  Fixture it;
  it.add("a");
  it.publish();
  const auto before = it.publisher.latest();
  it.publish();
  CHECK(it.publisher.latest() == before);
  it.publish(Publisher::RestChanged::kYes);
  CHECK(it.publisher.latest()->revision == before->revision + 1);
}

TEST_CASE("rows are found by id, also at the borders of chunks", "[fleet]") {
  Fixture it;
  for (int i = 0; i < 600; ++i)
    it.add(row_name(i));
  it.publish();
  const auto snapshot = it.publisher.latest();
  for (int i = 0; i < 600; ++i) {
    const auto* row = snapshot->find(row_name(i));
    REQUIRE(row != nullptr);
    REQUIRE(row->id == row_name(i));
  }
  CHECK(snapshot->find("a") == nullptr);
  CHECK(snapshot->find("zzz") == nullptr);
  CHECK(snapshot->find(row_name(5) + "x") == nullptr);
  CHECK(fleet::Snapshot{}.find("a") == nullptr);
}

TEST_CASE("a row that was shown keeps what it showed when its device changes", "[fleet]") {
  Fixture it;
  it.add(row_name(1));
  const auto confirm = [&](const model::Version& version) {
    it.table.with(row_name(1), [&](LiveDevice& device) {
      device.record.edit().facts.confirmed = model::Image{version, ""};
    });
  };
  confirm({2, 1, 4});
  it.publish();
  const auto before = it.publisher.latest();
  confirm({2, 1, 5});
  it.publish();
  CHECK(before->find(row_name(1))->facts().confirmed->version == model::Version(2, 1, 4));
  const auto after = it.publisher.latest();
  CHECK(after->find(row_name(1))->facts().confirmed->version == model::Version(2, 1, 5));
}

TEST_CASE("counts follow the rows through changes", "[fleet]") {
  Fixture it;
  for (int i = 0; i < 10; ++i)
    it.add(row_name(i));
  it.publish();
  const auto set = [&](int i, model::Level level, const model::Version& version) {
    it.table.with(row_name(i), [&](LiveDevice& device) {
      device.level = level;
      device.record.edit().facts.confirmed = model::Image{version, ""};
    });
  };
  set(1, model::Level::kCritical, {2, 1, 4});
  set(2, model::Level::kStable, {2, 1, 5});
  set(3, model::Level::kStable, {2, 1, 5});
  it.publish();
  set(3, model::Level::kWatch, {2, 1, 4});
  it.publish();
  const auto counts = it.publisher.latest()->counts;
  CHECK(counts.critical == 1);
  CHECK(counts.stable == 1);
  CHECK(counts.watch == 1);
  CHECK(counts.unknown == 7);
  CHECK(counts.versions ==
        std::vector<std::pair<std::string, std::size_t>>{{"2.1.4", 2}, {"2.1.5", 1}});
}
