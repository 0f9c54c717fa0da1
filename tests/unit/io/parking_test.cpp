// Goal: a wandering loop may have each run on another thread, with reads, writes, timers, mail
// and file work pending, and nothing is lost, done twice or left in a ring.
// Method: each stretch of turns runs on a thread that ends with it, and takes its rings along;
// patterns show gaps and repetitions.
#include "kernel/sockets.hpp"
#include "proactor/ring_cache.hpp"
#include "unit/support/network.hpp"
#include "unit/support/pipes.hpp"

#include <atomic>
#include <thread>

namespace {

using namespace coring;
using namespace coring::support;

class parking_test : public on_an_engine {
protected:
    base::system_clock clock;
    host on{clock};
    std::deque<endpoint> endpoints;

    void SetUp() override {
        const auto opened = on.loop.open(GetParam().wish, loop::residence::wandering);
        SKIP_IF_REFUSED(opened);
    }

    void TearDown() override {
        if (IsSkipped()) {
            return;
        }
        for (endpoint& each : endpoints) {
            if (each.is_open()) {
                io::drop_stream(each);
            }
        }
        on.expect_nothing_left();
        EXPECT_TRUE(on.loop.close());
        proactor::close_kept_rings();
    }

    // A run on the calling thread; afterwards nothing is in the kernel.
    void run_here(const std::function<void()>& turns) {
        ASSERT_EQ(on.loop.arrive(), 0);
        turns();
        on.loop.park();
        if (on_ring()) {
            EXPECT_EQ(on.loop.count().in_kernel, 0U);
            EXPECT_TRUE(on.loop.belongs_here());
        }
    }

    // A run on a thread that ends with it.
    void run_elsewhere(const std::function<void()>& turns) {
        std::thread{[&] { run_here(turns); }}.join();
    }

    endpoint& adopt(base::unique_fd& fd) {
        endpoint& made = endpoints.emplace_back();
        made.on = &on.loop;
        made.in = io::domain::ipv4;
        io::adopt_descriptor(made, fd.release());
        return made;
    }

    task& read_on(endpoint& from) {
        task& who = on.make("read");
        who.then = [this, &from](task& self) {
            if (self.result > 0) {
                start_reading(self, from);
            }
        };
        start_reading(who, from);
        return who;
    }

    void start_reading(task& who, endpoint& from) {
        who.take = [&from](op::operation&) {
            std::string into(65536, '\0');
            const int count = io::recv_now(from, into);
            if (count > 0) {
                from.received.append(into.data(), static_cast<std::size_t>(count));
            }
            return count;
        };
        who.again = [](op::operation& reading) { io::recv_again(reading); };
        io::recv_start(from, on.reserve(who, io::recv_type));
    }

    task& write(endpoint& to, std::string_view bytes) {
        task& who = on.make("write");
        const auto started =
            io::send_start(to, on.reserve(who, io::send_type), bytes, io::source::stays);
        EXPECT_EQ(started, 0);
        return who;
    }

    task& sleep_for(std::uint64_t ns) {
        task& who = on.make("timer");
        on.sleep(who, on.loop.now_ns() + ns);
        return who;
    }
};

ON_ALL_ENGINES(parking_test);

TEST_P(parking_test, a_read_that_waits_is_served_on_whatever_thread_runs_next) {
    kernel::socket_pair sockets = kernel::tcp_pair();
    endpoint& ours = adopt(sockets.left);
    task& reader = read_on(ours);
    std::string expected;
    for (int at = 0; at < 20; ++at) {
        run_elsewhere([&] { on.turn_without_waiting(); });
        EXPECT_EQ(reader.times, at);
        const std::string bytes = pattern(100, static_cast<unsigned>(at));
        ASSERT_EQ(::send(sockets.right.get(), bytes.data(), bytes.size(), 0), 100);
        expected += bytes;
        run_elsewhere([&] { on.turn_until([&] { return reader.times > at; }); });
    }
    EXPECT_EQ(ours.received, expected);
}

TEST_P(parking_test, a_write_goes_on_from_its_count_on_each_thread) {
    kernel::socket_pair sockets = kernel::tcp_pair();
    endpoint& ours = adopt(sockets.left);
    const std::string bytes = pattern(more_than_fits);
    const std::string behind = pattern(1000, 7);
    task& writer = write(ours, bytes);
    task& second = write(ours, behind);
    std::string arrived;
    std::string room(100'000, '\0');
    while (second.times == 0) {
        run_elsewhere([&] { on.turn_without_waiting(); });
        const ssize_t got = ::recv(sockets.right.get(), room.data(), room.size(), MSG_DONTWAIT);
        if (got > 0) {
            arrived.append(room.data(), static_cast<std::size_t>(got));
        }
    }
    EXPECT_EQ(writer.result, 0);
    EXPECT_EQ(second.result, 0);
    io::drop_stream(ours);
    for (;;) {
        const ssize_t got = ::recv(sockets.right.get(), room.data(), room.size(), 0);
        if (got <= 0) {
            break;
        }
        arrived.append(room.data(), static_cast<std::size_t>(got));
    }
    EXPECT_TRUE(same(arrived, bytes + behind));
}

TEST_P(parking_test, an_abandoned_write_goes_on_too) {
    kernel::socket_pair sockets = kernel::tcp_pair();
    endpoint& ours = adopt(sockets.left);
    auto bytes = std::make_unique<std::string>(pattern(more_than_fits));
    const std::string expected = *bytes;
    task& writer = write(ours, *bytes);
    run_elsewhere([&] {
        on.turn_without_waiting();
        on.leave(writer);
    });
    bytes.reset();
    std::string arrived;
    std::string room(1 << 20, '\0');
    while (arrived.size() < expected.size()) {
        run_elsewhere([&] { on.turn_without_waiting(); });
        const ssize_t got = ::recv(sockets.right.get(), room.data(), room.size(), MSG_DONTWAIT);
        if (got > 0) {
            arrived.append(room.data(), static_cast<std::size_t>(got));
        }
    }
    EXPECT_TRUE(same(arrived, expected));
    run_elsewhere([&] { on.run(); });
}

TEST_P(parking_test, what_completed_while_parking_is_delivered_by_the_next_run) {
    kernel::socket_pair sockets = kernel::tcp_pair();
    endpoint& ours = adopt(sockets.left);
    task& reader = read_on(ours);
    run_elsewhere([&] {
        on.turn_without_waiting();
        ASSERT_EQ(::send(sockets.right.get(), "x", 1, 0), 1);
    });
    EXPECT_EQ(reader.times, 0);
    run_elsewhere([&] { on.turn_until([&] { return reader.times > 0; }); });
    EXPECT_EQ(ours.received, "x");
}

TEST_P(parking_test, timers_pass_while_nothing_runs) {
    task& timer = sleep_for(2'000'000);
    run_elsewhere([&] { on.turn_without_waiting(); });
    run_elsewhere([&] { on.run(); });
    EXPECT_EQ(timer.times, 1);
}

struct letter : base::mail {
    int opened = 0;

    letter() {
        open = [](base::mail& self, void*) noexcept { ++static_cast<letter&>(self).opened; };
    }
};

TEST_P(parking_test, mail_that_comes_between_two_runs_is_opened_in_the_next) {
    ASSERT_TRUE(on.loop.open_mailbox());
    kernel::socket_pair sockets = kernel::tcp_pair();
    read_on(adopt(sockets.left)); // so that it is alive
    letter first;
    letter second;
    run_elsewhere([&] { on.turn_without_waiting(); });
    on.loop.mailbox().post(first);
    run_elsewhere([&] { on.turn(); });
    EXPECT_EQ(first.opened, 1);
    run_elsewhere([&] {
        std::thread poster{[&] { on.loop.mailbox().post(second); }};
        on.turn();
        poster.join();
    });
    EXPECT_EQ(second.opened, 1);
}

TEST_P(parking_test, a_thread_lends_the_ring_that_it_has) {
    kernel::socket_pair sockets = kernel::tcp_pair();
    read_on(adopt(sockets.left));
    std::thread{[&] {
        run_here([&] { on.turn_without_waiting(); });
        const std::size_t first = open_descriptors();
        for (int at = 0; at < 10; ++at) {
            run_here([&] { on.turn_without_waiting(); });
        }
        EXPECT_EQ(open_descriptors(), first);
    }}.join();
}

TEST_P(parking_test, a_loop_may_run_inside_the_run_of_another_on_one_thread) {
    host inner{clock};
    ASSERT_TRUE(inner.loop.open(GetParam().wish, loop::residence::wandering));
    kernel::socket_pair sockets = kernel::tcp_pair();
    endpoint& ours = adopt(sockets.left);
    task& reader = read_on(ours);
    task& timer = inner.make("timer");
    inner.sleep(timer, inner.loop.now_ns() + 1);
    run_elsewhere([&] {
        on.turn_without_waiting();
        ASSERT_EQ(inner.loop.arrive(), 0);
        inner.run();
        inner.loop.park();
        ASSERT_EQ(::send(sockets.right.get(), "x", 1, 0), 1);
        on.turn_until([&] { return reader.times > 0; });
    });
    EXPECT_EQ(timer.times, 1);
    EXPECT_TRUE(inner.loop.close());
}

TEST_P(parking_test, a_loop_may_close_in_the_middle_of_a_run) {
    host inner{clock};
    ASSERT_TRUE(inner.loop.open(GetParam().wish, loop::residence::wandering));
    pipe_ends pipe;
    op::descriptor out;
    out.fd = pipe.out.get();
    task& reader = inner.make("reader");
    std::thread{[&] {
        op::operation& waiting = inner.reserve(reader, readable_type);
        aim_read(waiting, out);
        inner.loop.queue(waiting);
        ASSERT_EQ(inner.loop.arrive(), 0);
        inner.turn_without_waiting();
        EXPECT_TRUE(inner.loop.close());
    }}.join();
    EXPECT_EQ(reader.times, 0);
}

// --- work on files, which is waited for -----------------------------------------------------

struct ring_read {
    int fd;
    char byte;
};

void prepare_read(op::operation& waiting, proactor::submission& entry) noexcept {
    auto& data = *static_cast<ring_read*>(waiting.data);
    entry.read(data.fd, &data.byte, 1, -1);
}

constexpr op::operation_type ring_read_type = {
    .name = "ring read",
    .on_leave = op::departure::unqueue,
    .delivered_in = op::phase::events,
    .side = op::direction::none,
    .prepare = prepare_read,
    .attempt = nullptr,
    .finish = nullptr,
    .take_over = nullptr,
    .release = nullptr,
};

TEST_P(parking_test, work_that_must_not_be_cut_short_is_waited_for) {
    if (!on_ring()) {
        GTEST_SKIP() << "epoll has no such work";
    }
    std::array<int, 2> ends{-1, -1};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); // blocking, so that the ring waits
    const base::unique_fd out{ends[0]};
    const base::unique_fd in{ends[1]};
    kernel::socket_pair sockets = kernel::tcp_pair();
    task& reader = read_on(adopt(sockets.left));
    task& worker = on.make("work");
    worker.take = [](op::operation&) { return 0; };
    ring_read work{out.get(), '\0'};
    std::atomic<bool> leaving{false};
    std::thread giver{[&] {
        leaving.wait(false);
        EXPECT_EQ(::write(in.get(), "x", 1), 1);
    }};
    run_elsewhere([&] {
        op::operation& waiting = on.reserve(worker, ring_read_type);
        waiting.data = &work;
        on.loop.queue(waiting);
        on.turn_without_waiting();
        leaving = true;
        leaving.notify_all();
    });
    giver.join();
    EXPECT_EQ(work.byte, 'x');
    EXPECT_EQ(worker.times, 0);
    run_elsewhere([&] { on.turn_until([&] { return worker.times > 0; }); });
    EXPECT_EQ(worker.result, 1);
    EXPECT_EQ(reader.times, 0);
}

} // namespace
