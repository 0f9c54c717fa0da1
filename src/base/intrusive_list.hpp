// A doubly linked list whose links live in the elements: no allocation, and an element can
// leave whatever list holds it without knowing which.
#pragma once

#include "base/assert.hpp"

#include <cstddef>

namespace coring::base {

// One element's place in at most one list. Elements never move while linked.
struct list_link {
    list_link* previous = nullptr;
    list_link* next = nullptr;

    [[nodiscard]] bool linked() const noexcept { return next != nullptr; }

    // Leaves the list, if any.
    void unlink() noexcept {
        if (linked()) {
            previous->next = next;
            next->previous = previous;
            previous = nullptr;
            next = nullptr;
        }
    }
};

// A list of Element, which must derive from list_link. Not thread-safe. The list itself must
// not move while it holds anything.
template <typename Element>
class intrusive_list {
public:
    intrusive_list() noexcept { clear_links(); }

    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;
    intrusive_list(intrusive_list&&) = delete;
    intrusive_list& operator=(intrusive_list&&) = delete;

    // Elements that are left behind are unlinked, never dangling.
    ~intrusive_list() {
        while (pop_front() != nullptr) {
        }
    }

    [[nodiscard]] bool empty() const noexcept { return head_.next == &head_; }

    // Requires !empty().
    [[nodiscard]] Element& head() noexcept { return static_cast<Element&>(*head_.next); }

    // The first element, or null.
    [[nodiscard]] Element* front() noexcept { return empty() ? nullptr : &head(); }

    // The first element, or null, for looking only.
    [[nodiscard]] const Element* peek() const noexcept {
        return empty() ? nullptr : static_cast<const Element*>(head_.next);
    }

    // The element after `element`, or null at the end.
    [[nodiscard]] Element* after(Element& element) noexcept {
        list_link* next = static_cast<list_link&>(element).next;
        return next == &head_ ? nullptr : static_cast<Element*>(next);
    }

    // Requires that the element is in no list.
    void push_back(Element& element) noexcept { insert_before(head_, element); }

    void push_front(Element& element) noexcept { insert_before(*head_.next, element); }

    [[nodiscard]] Element* pop_front() noexcept {
        if (empty()) {
            return nullptr;
        }
        Element& first = head();
        static_cast<list_link&>(first).unlink();
        return &first;
    }

    // Moves all of `other` behind what is here; `other` ends empty.
    void splice_back(intrusive_list& other) noexcept {
        if (other.empty()) {
            return;
        }
        list_link* first = other.head_.next;
        list_link* last = other.head_.previous;
        other.clear_links();
        first->previous = head_.previous;
        head_.previous->next = first;
        last->next = &head_;
        head_.previous = last;
    }

    // Moves all of `other` before what is here; `other` ends empty.
    void splice_front(intrusive_list& other) noexcept {
        other.splice_back(*this);
        splice_back(other);
    }

    // Calls `visit` with each element; it must not change the list.
    template <typename Visitor>
    void for_each(Visitor visit) noexcept {
        for (list_link* at = head_.next; at != &head_; at = at->next) {
            visit(static_cast<Element&>(*at));
        }
    }

    // Counts by walking; for tests and diagnostics.
    [[nodiscard]] std::size_t count() const noexcept {
        std::size_t total = 0;
        for (const list_link* at = head_.next; at != &head_; at = at->next) {
            ++total;
        }
        return total;
    }

private:
    void clear_links() noexcept {
        head_.next = &head_;
        head_.previous = &head_;
    }

    static void insert_before(list_link& place, list_link& link) noexcept {
        CORING_ASSERT(!link.linked());
        link.previous = place.previous;
        link.next = &place;
        place.previous->next = &link;
        place.previous = &link;
    }

    list_link head_;
};

} // namespace coring::base
