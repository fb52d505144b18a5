// Whether a .swu's sw-description was signed by somebody whom config/trusted-signers/ trusts: CMS
// as SWUpdate verifies it, by OpenSSL.
//
// A file there holds PEM certificates: a CA's, its intermediates', or a self-signed signer's. The
// signer's own certificate must be made for e-mail or code signing, as SWUpdate demands. Blocks on
// files. Thread: any.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ota::cli {

// The signer's name. kDenied: not signed, by a stranger, or not what was signed; the context says
// which and what to do.
Result<std::string> verify_swu_signature(std::string_view description, std::string_view signature,
                                         const std::filesystem::path& trusted_signers);

}  // namespace ota::cli
