# SPDX-License-Identifier: Apache-2.0
# The Debian package, by CPack. Preset `package` has what a package's build differs in; scripts/package does it all.

# What goes to share/doc/tercet, with the links between the documents as they are in the sources.
function(tercet_documents)
    install(FILES ${CMAKE_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.svg")
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()

# What Debian wants of a package, and no other installation has: component `debian`.
function(tercet_debian_documents)
    set(sources ${CMAKE_SOURCE_DIR}/packaging/debian)
    set(folder ${CMAKE_BINARY_DIR}/debian)
    configure_file(${sources}/changelog.in ${folder}/changelog @ONLY)
    execute_process(COMMAND ${GZIP} -9nfk ${folder}/changelog COMMAND_ERROR_IS_FATAL ANY)
    set(only_debian COMPONENT debian EXCLUDE_FROM_ALL)
    install(FILES ${folder}/changelog.gz ${sources}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} ${only_debian})
    install(FILES ${sources}/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME tercet ${only_debian})
    # The program holds code of libraries that are headers alone; their notices go with it.
    foreach(package libcli11-dev libprotozero-dev libxbyak-dev libxxhash-dev nlohmann-json3-dev)
        install(FILES /usr/share/doc/${package}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR}/third-party RENAME ${package} ${only_debian})
    endforeach()
endfunction()

function(tercet_package)
    tercet_documents()
    tercet_debian_documents()
    set(CPACK_GENERATOR DEB)
    set(CPACK_PACKAGE_NAME tercet)
    set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};tercet;ALL;/;${CMAKE_BINARY_DIR};tercet;debian;/")
    set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
    set(CPACK_STRIP_FILES ON)
    set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
    set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Tercet maintainers <maintainers@tercet.invalid>")
    set(CPACK_DEBIAN_PACKAGE_SECTION science)
    set(CPACK_DEBIAN_PACKAGE_SUGGESTS python3)  # for TensorRT engines
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR})
    # CPack would run ldconfig in scripts of the package's own; dpkg has a trigger for that.
    set(control ${CMAKE_BINARY_DIR}/debian)
    file(WRITE ${control}/triggers "activate-noawait ldconfig\n")
    file(WRITE ${control}/shlibs "libtercet ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} tercet (>= ${PROJECT_VERSION})\n")
    set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${control}/triggers ${control}/shlibs)
    set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "precision engines from trained ONNX models")
    set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "\
Tercet turns a trained ONNX model into engines in FP32, FP16, BF16 or INT8:
self-contained files, tuned for the processor at hand and run by a small C++
runtime. It calibrates, compares precisions on real data, and shows what every
layer became, what it costs, and why.

This package has the program, the shared library with its interfaces in C and
C++, documentation and examples.")
    include(CPack)
endfunction()
