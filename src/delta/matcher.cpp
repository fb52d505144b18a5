#include "delta/matcher.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace ota::delta {
namespace {

constexpr std::size_t kPage = 4096;
// Pages beside unmatched ones that are searched too: what moved by less than a page is there.
constexpr std::size_t kMargin = 4;
// bsdiff's: what a match must have more than going on as before, to be worth a seek.
constexpr std::int64_t kWorthASeek = 8;
// A suffix array and the text that it is over, for each byte of that.
constexpr std::uint64_t kSortedCost = 5;
// Of hashed positions: the smaller, the more is found and the more memory it takes; below this
// hardly anything more is found.
constexpr std::size_t kLeastStep = 8;
constexpr std::uint64_t kMostSteps = (std::uint64_t{1} << 32) - 1;
constexpr std::uint64_t kLeastIndex = 1024;
// Bytes that are right as before, at which no search is worth its time.
constexpr std::size_t kGoesOn = 32;

ByteView page_of(ByteView bytes, std::size_t page) {
  return bytes.subspan(page * kPage, kPage);
}

bool same(ByteView a, ByteView b) {
  return std::memcmp(a.data(), b.data(), a.size()) == 0;
}

bool all_zero(ByteView page) {
  return page[0] == 0 && same(page.first(page.size() - 1), page.subspan(1));
}

std::size_t hash_of(ByteView page) {
  return std::hash<std::string_view>()(as_text(page));
}

// The first page with each content.
std::unordered_map<std::size_t, std::size_t> first_pages(ByteView bytes) {
  std::unordered_map<std::size_t, std::size_t> found;
  const std::size_t count = bytes.size() / kPage;
  found.reserve(count);
  for (std::size_t page = 0; page < count; ++page)
    found.try_emplace(hash_of(page_of(bytes, page)), page);
  return found;
}

}  // namespace

Matcher::Matcher(ByteView base, ByteView image, std::uint64_t block_size, std::uint64_t index_bytes,
                 std::size_t most_sorted)
    : base_(base), image_(image), block_size_(block_size) {
  match_pages();
  make_index(index_bytes, most_sorted);
}

void Matcher::match_pages() {
  pages_.assign(image_.size() / kPage, kUnmatched);
  used_.assign(base_.size() / kPage, false);
  const auto in_base = first_pages(base_);
  const auto in_image = first_pages(image_);
  const auto in_place = [&](ByteView wanted, std::uint64_t address) {
    return address + kPage <= base_.size() &&
           same(wanted, base_.subspan(static_cast<std::size_t>(address), kPage));
  };
  for (std::size_t page = 0; page < pages_.size(); ++page) {
    const ByteView wanted = page_of(image_, page);
    const std::uint64_t at = page * kPage;
    const std::uint64_t finished = at - at % block_size_;
    std::uint64_t& from = pages_[page];
    if (page > 0 && pages_[page - 1] < kZeros && in_place(wanted, pages_[page - 1] + kPage)) {
      from = pages_[page - 1] + kPage;
    } else if (in_place(wanted, at)) {
      from = at;
    } else if (all_zero(wanted)) {
      from = kZeros;  // costs less than a copy
    } else {
      const std::size_t hash = hash_of(wanted);
      if (const auto known = in_base.find(hash);
          known != in_base.end() && same(wanted, page_of(base_, known->second))) {
        from = known->second * kPage;
      } else if (const auto own = in_image.find(hash); own != in_image.end() &&
                                                       (own->second + 1) * kPage <= finished &&
                                                       same(wanted, page_of(image_, own->second))) {
        from = base_.size() + own->second * kPage;
      }
    }
    if (from < base_.size()) used_[static_cast<std::size_t>(from / kPage)] = true;
  }
}

void Matcher::make_index(std::uint64_t index_bytes, std::size_t most_sorted) {
  if (std::ranges::find(pages_, kUnmatched) == pages_.end() && image_.size() % kPage == 0) return;
  const std::size_t count = used_.size();
  // How many pages after each one until one that is not used; the tail beyond whole pages is none.
  const auto wanted = [&](std::size_t page) {
    const std::size_t from = page < kMargin ? 0 : page - kMargin;
    const std::size_t to = std::min(count, page + kMargin + 1);
    return std::find(used_.begin() + static_cast<std::ptrdiff_t>(from),
                     used_.begin() + static_cast<std::ptrdiff_t>(to),
                     false) != used_.begin() + static_cast<std::ptrdiff_t>(to);
  };
  std::size_t total = 0;
  const auto add = [&](std::size_t from, std::size_t length) {
    if (length == 0) return;
    if (!ranges_.empty() && ranges_.back().base + ranges_.back().length == from) {
      ranges_.back().length += length;
    } else {
      ranges_.push_back({total, from, length});
    }
    total += length;
  };
  for (std::size_t page = 0; page < count; ++page) {
    if (wanted(page)) add(page * kPage, kPage);
  }
  add(count * kPage, base_.size() - count * kPage);
  if (ranges_.empty() || index_bytes < kLeastIndex) return;
  searched_ = total;
  if (total <= most_sorted && total * kSortedCost <= index_bytes) {
    sort_ranges();
  } else {
    hash_ranges(index_bytes);
  }
}

void Matcher::sort_ranges() {
  if (ranges_.size() == 1) {
    text_ = base_.subspan(ranges_.front().base, searched_);
  } else {
    joined_.reserve(searched_);
    for (const Range& range : ranges_) {
      const ByteView part = base_.subspan(range.base, range.length);
      joined_.insert(joined_.end(), part.begin(), part.end());
    }
    text_ = joined_;
  }
  sorted_ = SuffixIndex(text_);
}

void Matcher::hash_ranges(std::uint64_t index_bytes) {
  std::size_t step = kLeastStep;
  while (HashIndex::bytes_for(searched_, step) > index_bytes || base_.size() / step >= kMostSteps)
    step *= 2;
  hashed_ = HashIndex(base_, searched_, step);
  for (const Range& range : ranges_)
    hashed_.add(range.base, range.length);
}

Matcher::Alignment Matcher::align(std::int64_t at, std::uint64_t address,
                                  std::int64_t block_begin) const {
  if (address < base_.size()) {
    return {base_.data(), static_cast<std::int64_t>(address) - at,
            static_cast<std::int64_t>(base_.size()), 0};
  }
  return {image_.data(), static_cast<std::int64_t>(address - base_.size()) - at, block_begin,
          base_.size()};
}

// The longest match of what begins at `at`, at its address in the base.
SuffixIndex::Found Matcher::find(std::int64_t at, std::int64_t end, const Alignment& before) const {
  const ByteView wanted =
      image_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(end - at));
  if (!hashed_.empty()) {
    // Where going on as before is right for long, nothing else is looked for.
    SuffixIndex::Found beside;
    if (before.old == base_.data() && before.reaches(at)) {
      beside.at = static_cast<std::size_t>(at + before.shift);
      beside.length = common_prefix(base_.subspan(beside.at), wanted);
      if (beside.length >= std::min(kGoesOn, wanted.size())) return beside;
    }
    const auto found = hashed_.longest(wanted);
    return found.length > beside.length ? found : beside;
  }
  auto found = sorted_.longest(wanted);
  if (found.length == 0) return found;
  const auto after = std::ranges::upper_bound(ranges_, found.at, {}, &Range::text);
  const Range& range = *std::prev(after);
  found.length = std::min(found.length, range.text + range.length - found.at);
  found.at = range.base + (found.at - range.text);
  return found;
}

// bsdiff's scan of what no page matches: an anchor for each match that is worth it.
void Matcher::search(std::int64_t begin, std::int64_t end, std::int64_t block_begin,
                     std::vector<Anchor>& into) const {
  std::int64_t scan = begin;
  std::int64_t length = 0;
  while (scan < end) {
    std::int64_t score = 0;  // bytes that going on as before would have right
    SuffixIndex::Found found;
    const Alignment& before = into.back().with;
    scan += length;
    std::int64_t scored = scan;
    for (; scan < end; ++scan) {
      found = find(scan, end, before);
      length = static_cast<std::int64_t>(found.length);
      for (; scored < scan + length; ++scored)
        score += equal(before, scored) ? 1 : 0;
      if ((length == score && length != 0) || length > score + kWorthASeek) break;
      if (scored > scan) {
        score -= equal(before, scan) ? 1 : 0;
      } else {
        scored = scan + 1;
      }
    }
    if (scan < end && length != score) into.push_back({scan, align(scan, found.at, block_begin)});
  }
}

std::vector<Matcher::Anchor> Matcher::anchors(std::int64_t begin, std::int64_t end) const {
  std::vector<Anchor> found;
  const auto start = static_cast<std::uint64_t>(begin);
  // To begin with, where it stands itself.
  found.push_back(
      {begin, align(begin, start < base_.size() ? start : base_.size() + start, begin)});
  const auto source_of = [&](std::int64_t at) {
    const auto page = static_cast<std::size_t>(at) / kPage;
    return page < pages_.size() ? pages_[page] : kUnmatched;
  };
  for (std::int64_t at = begin; at < end;) {
    const std::uint64_t source = source_of(at);
    if (source == kUnmatched) {
      std::int64_t stop = at;
      while (stop < end && source_of(stop) == kUnmatched)
        stop += kPage;
      stop = std::min(stop, end);
      if (searched_ > 0) search(at, stop, begin, found);
      at = stop;
      continue;
    }
    if (source != kZeros) {
      const Alignment with = align(at, source, begin);
      if (!with.same_as(found.back().with)) found.push_back({at, with});
    }
    at += kPage;
  }
  return found;
}

std::vector<Copy> Matcher::copies(std::size_t block) const {
  const auto begin = static_cast<std::int64_t>(block * block_size_);
  const auto end = std::min(begin + static_cast<std::int64_t>(block_size_),
                            static_cast<std::int64_t>(image_.size()));
  const std::vector<Anchor> all = anchors(begin, end);
  std::vector<Copy> out;
  std::int64_t from = begin;  // what the present anchor begins with, as its neighbours left it
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Anchor* next = i + 1 < all.size() ? &all[i + 1] : nullptr;
    const Alignment& with = all[i].with;
    const std::int64_t stop = next != nullptr ? next->at : end;
    // As far forward as more than half of it is equal.
    std::int64_t forward = 0;
    for (std::int64_t x = from, right = 0, best = 0; x < stop && with.reaches(x);) {
      right += equal(with, x) ? 1 : 0;
      ++x;
      if (2 * right - (x - from) > best) {
        best = 2 * right - (x - from);
        forward = x - from;
      }
    }
    // And the next one backward.
    std::int64_t backward = 0;
    if (next != nullptr) {
      for (std::int64_t length = 1, right = 0, best = 0;
           length <= stop - from && next->with.reaches(stop - length); ++length) {
        right += equal(next->with, stop - length) ? 1 : 0;
        if (2 * right - length > best) {
          best = 2 * right - length;
          backward = length;
        }
      }
    }
    // Where both claim some bytes, the border is where most of them are right.
    if (const std::int64_t overlap = forward + backward - (stop - from); overlap > 0) {
      const std::int64_t first = stop - backward;
      std::int64_t keep = 0;
      for (std::int64_t n = 0, lead = 0, best = 0; n < overlap; ++n) {
        lead += equal(with, first + n) ? 1 : 0;
        lead -= equal(next->with, first + n) ? 1 : 0;
        if (lead > best) {
          best = lead;
          keep = n + 1;
        }
      }
      forward += keep - overlap;
      backward -= keep;
    }
    const std::int64_t extra = stop - backward - (from + forward);
    if (forward > 0 || extra > 0) {
      const std::uint64_t address =
          forward > 0 ? with.address + static_cast<std::uint64_t>(from + with.shift) : 0;
      out.push_back({address, static_cast<std::size_t>(forward), static_cast<std::size_t>(extra)});
    }
    from = stop - backward;
  }
  return out;
}

}  // namespace ota::delta
