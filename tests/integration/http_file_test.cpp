// Files as answers: ranges, entity tags, HEAD, and files that change under way.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/file.h"
#include "http/server.h"
#include "tests/support/catch.h"
#include "tests/support/http_rig.h"

using namespace ota;
using namespace ota::test;

namespace {

std::string content_of(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

void write(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

}  // namespace

TEST_CASE("a file is served whole, in part, or not at all, as the request says",
          "[http][threads]") {
  HttpRig rig;
  const std::string content = content_of(1000);
  write(rig.folder() / "image", content);
  TlsClient client(rig.port());
  REQUIRE(client.handshake());
  const struct {
    const char* method;
    const char* fields;
    unsigned status;
    std::size_t first, length;
    const char* content_range;
  } table[] = {
      {"GET", "", 200, 0, 1000, ""},
      {"GET", "Range: bytes=0-0\r\n", 206, 0, 1, "bytes 0-0/1000"},
      {"GET", "Range: bytes=990-\r\n", 206, 990, 10, "bytes 990-999/1000"},
      {"GET", "Range: bytes=-3\r\n", 206, 997, 3, "bytes 997-999/1000"},
      {"GET", "Range: bytes=500-5000\r\n", 206, 500, 500, "bytes 500-999/1000"},
      {"GET", "Range: bytes=1-2,4-5\r\n", 200, 0, 1000, ""},
      {"GET", "Range: bytes=1000-\r\n", 416, 0, 0, "bytes */1000"},
      {"GET", "If-None-Match: \"v1\"\r\n", 304, 0, 0, ""},
      {"GET", "If-None-Match: \"v0\"\r\n", 200, 0, 1000, ""},
      {"GET", "If-None-Match: \"v1\"\r\nRange: bytes=1-2\r\n", 304, 0, 0, ""},
      {"GET", "If-Range: \"v1\"\r\nRange: bytes=1-2\r\n", 206, 1, 2, "bytes 1-2/1000"},
      {"GET", "If-Range: \"v0\"\r\nRange: bytes=1-2\r\n", 200, 0, 1000, ""},
      {"HEAD", "", 200, 0, 1000, ""},
      {"HEAD", "Range: bytes=1-2\r\n", 206, 1, 2, "bytes 1-2/1000"},
      {"HEAD", "If-None-Match: *\r\n", 304, 0, 0, ""},
  };
  for (const auto& row : table) {
    INFO(row.method << " " << row.fields);
    const auto reply = client.request(row.method, "/files/image", {}, row.fields);
    REQUIRE(reply.has_value());
    CHECK(reply->status == row.status);
    CHECK(reply->header("content-range") == row.content_range);
    if (row.status == 200 || row.status == 206) {
      CHECK(reply->header("content-length") == std::to_string(row.length));
      CHECK(reply->header("accept-ranges") == "bytes");
      CHECK(reply->header("etag") == "\"v1\"");
    }
    if (std::string(row.method) == "GET" && row.length > 0) {
      CHECK(reply->body == content.substr(row.first, row.length));
    }
  }
}

TEST_CASE("an empty, a missing file and a folder have their answers", "[http][threads]") {
  HttpRig rig;
  write(rig.folder() / "empty", "");
  TlsClient client(rig.port());
  REQUIRE(client.handshake());
  CHECK(client.request("GET", "/files/empty").value().header("content-length") == "0");
  CHECK(client.request("GET", "/files/missing").value().status == 404);
  CHECK(client.request("GET", "/files/state").value().status == 404);
  CHECK(client.request("GET", "/files/empty").value().status == 200);
}

TEST_CASE("large files arrive whole on many connections at once", "[http][threads]") {
  http::ServerOptions options;
  options.threads = 2;
  HttpRig rig(options);
  const std::string content = content_of(5'000'001);
  write(rig.folder() / "image", content);
  std::vector<TlsClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(rig.port());
    REQUIRE(clients.back().handshake());
    REQUIRE(clients.back().send("GET /files/image HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  for (TlsClient& client : clients) {
    const auto reply = client.read_reply();
    REQUIRE(reply.has_value());
    CHECK(reply->body == content);
  }
}

TEST_CASE("a file that is not in memory is read beside the io thread", "[http][threads]") {
  HttpRig rig;
  const std::string content = content_of(3'000'001);
  const auto path = rig.folder() / "image";
  write(path, content);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(::fsync(file.get()) == 0);
  REQUIRE(::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
  TlsClient client(rig.port());
  REQUIRE(client.handshake());
  const auto reply = client.request("GET", "/files/image", {}, "Range: bytes=1-2999999\r\n");
  REQUIRE(reply.has_value());
  CHECK(reply->status == 206);
  CHECK(reply->body == content.substr(1, 2'999'999));
}

TEST_CASE("a file that became shorter ends the connection instead of lying", "[http][threads]") {
  HttpRig rig;
  write(rig.folder() / "image", content_of(50'000'000));
  TlsClient client(rig.port());
  REQUIRE(client.handshake());
  REQUIRE(client.send("GET /files/image HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(client.read_reply(Body::kHeadOnly).value().status == 200);
  std::filesystem::resize_file(rig.folder() / "image", 1000);
  CHECK(client.closed_within());
}

TEST_CASE("a client that takes nothing is cut off", "[http][threads]") {
  http::ServerOptions options;
  options.limits.body_timeout = milliseconds(300);
  HttpRig rig(options);
  write(rig.folder() / "image", content_of(50'000'000));
  TlsClient client(rig.port());
  REQUIRE(client.handshake());
  REQUIRE(client.send("GET /files/image HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(client.read_reply(Body::kHeadOnly).value().status == 200);
  CHECK(rig.eventually([&] { return rig.server().stats().connections == 0; }));
}

TEST_CASE("a paced download arrives whole, no faster than the limit", "[http][threads]") {
  http::ServerOptions options;
  options.limits.download_kib_per_second = 8 * 1024;
  HttpRig rig(options);
  const std::string content = content_of(2U << 20);
  write(rig.folder() / "image", content);
  TlsClient client(rig.port());
  REQUIRE(client.handshake());
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = client.request("GET", "/files/image");
  const auto took = std::chrono::steady_clock::now() - begin;
  REQUIRE(reply.has_value());
  CHECK(reply->body == content);
  // 2 MiB at 8 MiB a second; the last piece is not waited for, and a fiftieth may go ahead.
  CHECK(took > milliseconds(200));
}

TEST_CASE("what is served lies beneath its folder, and no link leads out of it",
          "[http][threads]") {
  HttpRig rig;
  namespace fs = std::filesystem;
  write(rig.folder() / "image", "bytes");
  const fs::path secret = rig.folder() / "state" / "pki" / "authority.key";
  REQUIRE(fs::exists(secret));
  fs::create_symlink(secret, rig.folder() / "link");
  fs::create_directory_symlink("/etc", rig.folder() / "etc");
  fs::create_symlink("image", rig.folder() / "inside");
  REQUIRE(::mkfifo((rig.folder() / "pipe").c_str(), 0600) == 0);
  TlsClient client(rig.port());
  REQUIRE(client.handshake());
  for (const char* name : {"link", "etc/passwd", "inside", "pipe", "/etc/passwd"}) {
    INFO(name);
    const auto reply = client.request("GET", std::string("/files/") + name);
    CHECK(reply.value().status == 404);
    CHECK(reply.value().body.find("PRIVATE") == std::string::npos);
  }
  CHECK(client.request("GET", "/files/image").value().body == "bytes");
}
