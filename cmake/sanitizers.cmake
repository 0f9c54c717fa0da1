# CORING_SANITIZE applies to the whole tree: a library compiled without it would hide what it does.
if(CORING_SANITIZE)
    add_compile_options(-fsanitize=${CORING_SANITIZE} -fno-omit-frame-pointer -g)
    add_link_options(-fsanitize=${CORING_SANITIZE})
    if(CORING_SANITIZE MATCHES "undefined")
        # vptr needs run-time type information, which our rooms are compiled without.
        add_compile_options(-fno-sanitize-recover=undefined -fno-sanitize=vptr)
    endif()
endif()
