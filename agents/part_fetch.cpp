#include "agents/part_fetch.h"

namespace ota::agent {

Result<void> fetch_part(http::Requester& client, const std::string& path,
                        const http::Requester::Download& wanted,
                        const http::Requester::Sink& sink) {
  bool whole_instead = false;
  const auto reply = client.download(
      path, wanted,
      [&](std::string_view chunk) -> Result<void> {
        if (whole_instead) return fail(Errc::kNotFound, "the server sends no part of a file");
        return sink(chunk);
      },
      [&] { whole_instead = true; });
  if (!reply) return reply.error();
  if (reply->status == 200 || reply->status == 206) return {};
  const bool passes = reply->status == 429 || reply->status >= 500;
  return fail(passes ? Errc::kUnavailable : Errc::kNotFound,
              "the server answers " + std::to_string(reply->status));
}

}  // namespace ota::agent
