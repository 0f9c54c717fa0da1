// Goal: deliveries are counted once however they come, and what the process did with a signal
// before the first subscription it does again after the last.
// Method: signals to this process, with and without threads that block them.
#include "reactor/signal_hub.hpp"
#include "unit/support/guarded.hpp"

#include <atomic>
#include <cerrno>
#include <thread>
#include <vector>

#include <sys/epoll.h>
#include <sys/wait.h>

namespace {

using coring::reactor::signal_hub;
using coring::reactor::signal_route;

constexpr int some_signal = SIGUSR1;
constexpr int other_signal = SIGUSR2;

signal_hub& hub() {
    return signal_hub::process();
}

void block(int signal, int how) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    ASSERT_EQ(::pthread_sigmask(how, &set, nullptr), 0);
}

struct sigaction disposition(int signal) {
    struct sigaction now {};

    EXPECT_EQ(::sigaction(signal, nullptr, &now), 0);
    return now;
}

void send(int signal) {
    ASSERT_EQ(::kill(::getpid(), signal), 0);
}

void nothing(int) {}

class signal_hub_test : public coring::support::guarded {
protected:
    // The hub keeps its two descriptors: they are to be there before they are counted.
    static void SetUpTestSuite() {
        block(some_signal, SIG_BLOCK);
        ASSERT_TRUE(hub().subscribe(some_signal));
        hub().unsubscribe(some_signal);
        block(some_signal, SIG_UNBLOCK);
    }

    signal_route subscribe(int signal) {
        auto subscribed = hub().subscribe(signal);
        EXPECT_TRUE(subscribed.has_value());
        return subscribed.value();
    }

    std::uint32_t since(std::uint32_t before, int signal = some_signal) {
        return signal_hub::caught(signal) - before;
    }
};

TEST_F(signal_hub_test, each_delivery_is_counted_once) {
    const std::uint32_t before = signal_hub::caught(some_signal);
    EXPECT_EQ(subscribe(some_signal), signal_route::caught);
    for (std::uint32_t sent = 1; sent <= 3; ++sent) {
        send(some_signal);
        EXPECT_EQ(since(before), sent);
    }
    hub().count_pending();
    EXPECT_EQ(since(before), 3U);
    hub().unsubscribe(some_signal);
}

TEST_F(signal_hub_test, where_every_thread_blocks_it_a_signal_is_read) {
    block(some_signal, SIG_BLOCK);
    const std::uint32_t before = signal_hub::caught(some_signal);
    EXPECT_EQ(subscribe(some_signal), signal_route::read);
    for (std::uint32_t sent = 1; sent <= 3; ++sent) {
        send(some_signal);
        EXPECT_EQ(since(before), sent - 1);
        hub().count_pending();
        EXPECT_EQ(since(before), sent);
    }
    hub().unsubscribe(some_signal);
    block(some_signal, SIG_UNBLOCK);
}

TEST_F(signal_hub_test, one_thread_that_lets_it_in_is_enough_for_the_handler) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "the thread sanitizer loses one in a hundred of another thread's signals";
#endif
    std::atomic<int> step{0};
    std::thread host{[&] {
        step = 1;
        step.notify_one();
        while (step == 1) {
            ::usleep(100);
        }
    }};
    step.wait(0);
    block(some_signal, SIG_BLOCK);
    const std::uint32_t before = signal_hub::caught(some_signal);
    EXPECT_EQ(subscribe(some_signal), signal_route::caught);
    send(some_signal);
    while (since(before) == 0) { // the other thread takes it, in its own time
        ::usleep(100);
    }
    step = 2;
    host.join();
    hub().unsubscribe(some_signal);
    block(some_signal, SIG_UNBLOCK);
    EXPECT_EQ(since(before), 1U);
}

TEST_F(signal_hub_test, the_handler_stays_until_the_last_subscriber_leaves) {
    EXPECT_EQ(disposition(some_signal).sa_handler, SIG_DFL);
    subscribe(some_signal);
    subscribe(some_signal);
    auto* const ours = disposition(some_signal).sa_handler;
    EXPECT_NE(ours, SIG_DFL);
    EXPECT_NE(disposition(some_signal).sa_flags & SA_RESTART, 0);
    hub().unsubscribe(some_signal);
    EXPECT_EQ(disposition(some_signal).sa_handler, ours);
    hub().unsubscribe(some_signal);
    EXPECT_EQ(disposition(some_signal).sa_handler, SIG_DFL);
}

TEST_F(signal_hub_test, a_handler_of_the_host_comes_back_as_it_was) {
    struct sigaction hosts {};

    hosts.sa_handler = nothing;
    hosts.sa_flags = SA_NODEFER;
    ::sigaddset(&hosts.sa_mask, SIGHUP);
    ASSERT_EQ(::sigaction(some_signal, &hosts, nullptr), 0);
    subscribe(some_signal);
    hub().unsubscribe(some_signal);
    const struct sigaction back = disposition(some_signal);
    EXPECT_EQ(back.sa_handler, nothing);
    EXPECT_EQ(back.sa_flags & SA_NODEFER, SA_NODEFER);
    EXPECT_EQ(back.sa_flags & SA_RESTART, 0);
    EXPECT_EQ(::sigismember(&back.sa_mask, SIGHUP), 1);
    ::signal(some_signal, SIG_DFL);
}

TEST_F(signal_hub_test, what_the_host_did_meanwhile_stays) {
    subscribe(some_signal);
    ::signal(some_signal, nothing);
    hub().unsubscribe(some_signal);
    EXPECT_EQ(disposition(some_signal).sa_handler, nothing);
    ::signal(some_signal, SIG_DFL);
}

TEST_F(signal_hub_test, children_that_the_kernel_reaps_are_still_reaped) {
    ::signal(SIGCHLD, SIG_IGN);
    const std::uint32_t before = signal_hub::caught(SIGCHLD);
    subscribe(SIGCHLD);
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(0);
    }
    EXPECT_EQ(::waitpid(child, nullptr, 0), -1); // waits until it is gone
    EXPECT_EQ(errno, ECHILD);
    EXPECT_EQ(since(before, SIGCHLD), 1U);
    hub().unsubscribe(SIGCHLD);
    EXPECT_EQ(disposition(SIGCHLD).sa_handler, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);
}

TEST_F(signal_hub_test, every_watcher_gets_an_edge_for_each_delivery) {
    auto fd = hub().knock_fd();
    ASSERT_TRUE(fd);
    subscribe(some_signal);
    const int sets[] = {::epoll_create1(EPOLL_CLOEXEC), ::epoll_create1(EPOLL_CLOEXEC)};
    epoll_event event{};
    for (const int set : sets) {
        event.events = EPOLLIN | EPOLLET;
        ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, fd.value(), &event), 0);
        while (::epoll_wait(set, &event, 1, 0) == 1) { // what was before
        }
    }
    for (int sent = 0; sent < 3; ++sent) {
        send(some_signal);
        for (const int set : sets) {
            EXPECT_EQ(::epoll_wait(set, &event, 1, 0), 1);
            EXPECT_EQ(::epoll_wait(set, &event, 1, 0), 0);
        }
    }
    for (const int set : sets) {
        ::close(set);
    }
    hub().unsubscribe(some_signal);
}

TEST_F(signal_hub_test, a_forked_child_has_the_dispositions_of_before) {
    subscribe(some_signal);
    const pid_t child = ::fork();
    if (child == 0) {
        ::kill(::getpid(), some_signal);
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    const std::uint32_t before = signal_hub::caught(some_signal);
    send(some_signal);
    EXPECT_EQ(since(before), 1U);
    hub().unsubscribe(some_signal);
}

TEST_F(signal_hub_test, a_forked_child_can_subscribe_anew) {
    subscribe(some_signal);
    const pid_t child = ::fork();
    if (child == 0) {
        const bool subscribed = hub().subscribe(some_signal).has_value();
        const std::uint32_t before = signal_hub::caught(some_signal);
        ::kill(::getpid(), some_signal);
        ::_exit(subscribed && signal_hub::caught(some_signal) - before == 1 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    hub().unsubscribe(some_signal);
}

// A subscription of the test's own keeps the signals from ending the process.
TEST_F(signal_hub_test, threads_may_come_and_go_while_signals_arrive) {
    constexpr int rounds = 300;
    subscribe(some_signal);
    subscribe(other_signal);
    std::vector<std::thread> threads;
    for (const int signal : {some_signal, other_signal, some_signal}) {
        threads.emplace_back([signal] {
            for (int round = 0; round < rounds; ++round) {
                ASSERT_TRUE(hub().subscribe(signal));
                hub().count_pending();
                hub().unsubscribe(signal);
            }
        });
    }
    for (int round = 0; round < rounds; ++round) {
        send(some_signal);
        send(other_signal);
    }
    for (std::thread& each : threads) {
        each.join();
    }
    hub().unsubscribe(some_signal);
    hub().unsubscribe(other_signal);
    EXPECT_EQ(disposition(some_signal).sa_handler, SIG_DFL);
    EXPECT_EQ(disposition(other_signal).sa_handler, SIG_DFL);
}

int last_act_told = -1;

void tell_last_act() noexcept {
    static_cast<void>(::write(last_act_told, "x", 1));
}

// How a child ended that did this, and how often the last act was run in it.
struct ending {
    int status;
    ssize_t acts;
};

template <typename Body>
ending end_of_child(Body body) {
    int told[2];
    EXPECT_EQ(::pipe(told), 0);
    last_act_told = told[1];
    const pid_t child = ::fork();
    if (child == 0) {
        body();
        ::_exit(0);
    }
    ::close(told[1]);
    ending found{-1, 0};
    EXPECT_EQ(::waitpid(child, &found.status, 0), child);
    char acts[8];
    found.acts = ::read(told[0], acts, sizeof acts);
    ::close(told[0]);
    return found;
}

TEST_F(signal_hub_test, the_last_act_comes_before_the_end_that_is_the_default) {
    for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGABRT}) {
        const ending found = end_of_child([signal] {
            hub().call_before_end(tell_last_act);
            ::raise(signal);
        });
        EXPECT_TRUE(WIFSIGNALED(found.status));
        EXPECT_EQ(WTERMSIG(found.status), signal);
        EXPECT_EQ(found.acts, 1);
    }
}

TEST_F(signal_hub_test, there_is_no_last_act_for_signals_that_are_no_end) {
    const ending found = end_of_child([] {
        static_cast<void>(::signal(SIGUSR1, nothing));
        static_cast<void>(::signal(SIGUSR2, SIG_IGN));
        hub().call_before_end(tell_last_act);
        for (const int signal : {SIGUSR1, SIGUSR2, SIGCHLD, SIGWINCH}) {
            ::raise(signal);
        }
    });
    EXPECT_EQ(found.status, 0);
    EXPECT_EQ(found.acts, 0);
}

TEST_F(signal_hub_test, the_last_act_waits_behind_subscribers_and_survives_them) {
    const ending found = end_of_child([] {
        static_cast<void>(hub().subscribe(SIGTERM).has_value());
        hub().call_before_end(tell_last_act);
        ::raise(SIGTERM);
        hub().unsubscribe(SIGTERM);
        static_cast<void>(hub().subscribe(SIGTERM).has_value());
        hub().unsubscribe(SIGTERM);
        ::raise(SIGTERM);
    });
    EXPECT_TRUE(WIFSIGNALED(found.status));
    EXPECT_EQ(found.acts, 1);
}

TEST_F(signal_hub_test, a_last_act_that_was_taken_back_leaves_the_default) {
    hub().call_before_end(tell_last_act);
    static_cast<void>(hub().subscribe(some_signal).has_value());
    hub().call_before_end(nullptr);
    EXPECT_NE(disposition(some_signal).sa_handler, SIG_DFL);
    hub().unsubscribe(some_signal);
    for (const int signal : {SIGTERM, SIGHUP, some_signal}) {
        EXPECT_EQ(disposition(signal).sa_handler, SIG_DFL);
    }
}

TEST_F(signal_hub_test, the_last_act_is_not_that_of_a_forked_child) {
    hub().call_before_end(tell_last_act);
    const ending found = end_of_child([] { ::raise(SIGTERM); });
    EXPECT_TRUE(WIFSIGNALED(found.status));
    EXPECT_EQ(found.acts, 0);
    hub().call_before_end(nullptr);
}

} // namespace
