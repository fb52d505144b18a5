#include "delta/program.h"

#include <fstream>
#include <sstream>

#include "base/file.h"
#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/delta/patches.h"

using namespace ota;

namespace {

struct Said {
  int code = 0;
  std::string out, err;
};

Said ota_delta(std::vector<std::string> words) {
  std::ostringstream out, err;
  const int code = delta::run(words, out, err);
  return {code, out.str(), err.str()};
}

struct Images {
  Images() {
    write("old", test::program_like(30000, 1));
    write("new", test::program_like(31000, 2));
  }
  void write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(path(name), std::ios::binary) << as_text(bytes);
  }
  std::string path(const std::string& name) const { return folder.path() / name; }
  std::string read(const std::string& name) const {
    return read_file(path(name), std::size_t{1} << 20).value();
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(path(name)); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder.path()), {}));
  }
  test::TempFolder folder;
};

}  // namespace

TEST_CASE("ota-delta makes a patch, shows it, and makes the image of it", "[delta]") {
  const Images images;
  const auto made =
      ota_delta({"make", "--base", images.path("old"), images.path("new"), images.path("patch")});
  CHECK(made.code == 0);
  CHECK(made.err.empty());
  const auto shown = ota_delta({"show", "--json", images.path("patch")});
  const Json document = parse_json(shown.out).value();
  CHECK(document["image"]["sha256"] == sha256_hex(images.read("new")));
  CHECK(document["base"]["sha256"] == sha256_hex(images.read("old")));
  CHECK(document["length"] == images.read("patch").size());
  CHECK(ota_delta({"show", images.path("patch")}).out.find(sha256_hex(images.read("new"))) !=
        std::string::npos);
  const auto applied =
      ota_delta({"apply", "--base", images.path("old"), images.path("patch"), images.path("out")});
  CHECK(applied.code == 0);
  CHECK(images.read("out") == images.read("new"));
}

TEST_CASE("ota-delta packs an image that needs no base", "[delta]") {
  const Images images;
  CHECK(ota_delta({"make", images.path("new"), images.path("packed")}).code == 0);
  CHECK(ota_delta({"apply", images.path("packed"), images.path("out")}).code == 0);
  CHECK(images.read("out") == images.read("new"));
  CHECK_FALSE(parse_json(ota_delta({"show", "--json", images.path("packed")}).out)
                  .value()
                  .contains("base"));
}

TEST_CASE("ota-delta leaves no image of a patch that does not fit, and says why", "[delta]") {
  const Images images;
  REQUIRE(
      ota_delta({"make", "--base", images.path("old"), images.path("new"), images.path("patch")})
          .code == 0);
  const std::size_t files = images.files();
  const auto refused = [&](std::vector<std::string> words, const std::string& why) {
    const auto said = ota_delta(std::move(words));
    INFO(said.err);
    CHECK(said.code == 1);
    CHECK(said.err.find(why) != std::string::npos);
    CHECK_FALSE(images.exists("out"));
  };
  const std::string out = images.path("out");
  const std::string old = images.path("old");
  refused({"apply", "--base", images.path("new"), images.path("patch"), out}, "another image");
  refused({"apply", images.path("patch"), out}, "needs a base");
  refused({"apply", "--base", images.path("none"), images.path("patch"), out}, "none");
  refused({"apply", "--base", old, old, out}, "no patch");
  CHECK(images.files() == files);
  std::string patch = images.read("patch");
  patch.back() = static_cast<char>(patch.back() ^ 1);
  images.write("damaged", Bytes(patch.begin(), patch.end()));
  refused({"apply", "--base", old, images.path("damaged"), out}, "a block of the patch is damaged");
  patch.pop_back();
  images.write("short", Bytes(patch.begin(), patch.end()));
  refused({"apply", "--base", old, images.path("short"), out}, "a file of");
  images.write("shorter", Bytes(patch.begin(), patch.begin() + 100));
  refused({"show", images.path("shorter")}, "cut short");
  refused({"make", images.path("none"), images.path("out")}, "none");
  refused({"make", images.path("new"), images.path("no/out")}, "no/out");
  CHECK(images.files() == files + 3);
}

TEST_CASE("ota-delta tells wrong use from a failure", "[delta]") {
  CHECK(ota_delta({}).code == 2);
  CHECK(ota_delta({"mend"}).code == 2);
  CHECK(ota_delta({"make", "--threads", "0", "a", "b"}).code == 2);
  CHECK(ota_delta({"apply", "a"}).code == 2);
  CHECK(ota_delta({"--help"}).code == 0);
}
