// Firmware metadata and images, as files. What they are worth is proved by their signatures, not by
// who serves them.
#include <sys/stat.h>

#include "api/context.h"
#include "api/routes.h"
#include "base/text.h"

namespace ota::api {
namespace {

using http::Access;
using http::Method;

// The name on disk: what came decoded out of the URL, encoded again as the repository writes it
// (only RFC 3986's unreserved characters stay), so that no separator and no dot-dot is left. Empty:
// no such name can exist.
std::string name_on_disk(std::string_view segment) {
  constexpr std::size_t kLongest = 255;
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : segment) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
  if (out.empty() || out.front() == '.' || out.size() > kLongest) return {};
  return out;
}

// A target's name may have folders; each segment is a name of its own.
std::string path_on_disk(std::string_view target) {
  std::string out;
  for (const std::string& segment : split(target, '/')) {
    const std::string name = name_on_disk(segment);
    if (name.empty()) return {};
    out += (out.empty() ? "" : "/") + name;
  }
  return out;
}

void serve(Context& context, const char* folder, const char* content_type, const std::string& name,
           const http::Responder& respond) {
  const auto not_found = [&] {
    respond(http::Response::problem(404, "not-found", "no such file is published"));
  };
  if (name.empty()) return not_found();
  const std::filesystem::path path = context.ports.firmware / folder / name;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return not_found();
  http::Response response;
  response.file = http::FileBody{};
  response.file->path = path.string();
  response.file->etag = '"' + std::to_string(info.st_size) + '-' +
                        std::to_string(info.st_mtim.tv_sec) + '.' +
                        std::to_string(info.st_mtim.tv_nsec) + '"';
  response.file->content_type = content_type;
  respond(std::move(response));
}

}  // namespace

void add_tuf_routes(http::Router& router, Context& context) {
  router.add({Method::kGet, "/tuf/metadata/{name...}", Access::kDeviceOrOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                serve(context, "metadata", "application/json", name_on_disk(request.params.at(0)),
                      respond);
              }});
  router.add({Method::kGet, "/tuf/targets/{name...}", Access::kDeviceOrOperator,
              [&context](const http::Request& request, const http::Responder& respond) {
                serve(context, "targets", "application/octet-stream",
                      path_on_disk(request.params.at(0)), respond);
              }});
}

}  // namespace ota::api
