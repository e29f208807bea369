// The hold model on std::priority_queue: pop the earliest event, push it again later. The yardstick of
// hold-model.bench.ts, which compiles it with g++ -O2 and runs it once a round.
//
// Usage: hold-model PENDING WARM_OPERATIONS OPERATIONS
// Prints the CPU milliseconds of OPERATIONS and the time of the last event popped: equal histories end at equal times.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <queue>
#include <vector>

struct Event {
  double time;
  uint64_t order;
  uint32_t id;
};

struct Later {
  bool operator()(const Event &a, const Event &b) const {
    return a.time != b.time ? a.time > b.time : a.order > b.order;
  }
};

// Xorshift32 (Marsaglia 2003); hold-model.bench.ts draws the same increments.
static uint32_t state = 2463534242u;

static double increment() {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return 1.0 + (state >> 12);
}

static std::priority_queue<Event, std::vector<Event>, Later> events;
static uint64_t orders = 0;
static double now = 0;

static void hold(long operations) {
  for (long i = 0; i < operations; i++) {
    const Event event = events.top();
    events.pop();
    now = event.time;
    events.push({now + increment(), orders++, event.id});
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const long pending = std::atol(argv[1]);
  for (long i = 0; i < pending; i++) events.push({std::min(increment(), increment()), orders++, static_cast<uint32_t>(i)});
  hold(std::atol(argv[2]));
  const auto begin = std::clock();
  hold(std::atol(argv[3]));
  const auto end = std::clock();
  std::printf("%.6f %.0f\n", 1000.0 * (end - begin) / CLOCKS_PER_SEC, now);
  return 0;
}
