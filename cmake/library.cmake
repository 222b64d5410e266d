# SPDX-License-Identifier: Apache-2.0
# The library tercet::tercet out of all folders, and its installation.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(third_party fmt::fmt JPEG::JPEG PNG::PNG ZLIB::ZLIB Threads::Threads ${TERCET_TENSORRT_LIBRARIES})

# While the major version is 0, a minor one may change the C++ interface. What std:: leaves behind is not exported.
function(tercet_shared_library target)
    set(exported ${CMAKE_SOURCE_DIR}/cmake/exported.map)
    add_library(${target} SHARED ${ARGN})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME tercet
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} LINK_DEPENDS ${exported})
    target_link_options(${target} PRIVATE -Wl,--version-script=${exported})
    target_link_libraries(${target} PRIVATE ${third_party})
endfunction()

function(tercet_library)
    # All objects, with whatever they hold: for programs that look inside.
    add_library(tercet_parts INTERFACE)
    get_property(folders GLOBAL PROPERTY tercet_folders)
    set(objects)
    foreach(folder ${folders})
        if(TARGET tercet_${folder})
            list(APPEND objects $<TARGET_OBJECTS:tercet_${folder}>)
        endif()
    endforeach()
    target_sources(tercet_parts INTERFACE ${objects})
    target_include_directories(tercet_parts INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(tercet_parts INTERFACE ${third_party})

    if(BUILD_SHARED_LIBS)
        tercet_shared_library(tercet ${objects})
    else()
        # One object in the archive: nothing refers to the objects that register operators and tactics, so that a linker would
        # leave them out, unless told otherwise by every user.
        set(whole ${CMAKE_BINARY_DIR}/tercet.o)
        add_custom_command(OUTPUT ${whole} COMMAND ${CMAKE_CXX_COMPILER} -r -nostdlib -o ${whole} ${objects}
            DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Joining the objects of libtercet.a")
        add_library(tercet STATIC ${whole})
        set_source_files_properties(${whole} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
        # A program in C links it, too, by naming what a C++ compiler would add.
        set_target_properties(tercet PROPERTIES LINKER_LANGUAGE C)
        set(languages_own ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
        list(REMOVE_ITEM languages_own ${CMAKE_C_IMPLICIT_LINK_LIBRARIES})
        list(REMOVE_DUPLICATES languages_own)
        target_link_libraries(tercet PRIVATE ${languages_own})
        target_link_libraries(tercet PRIVATE ${third_party})
        set(TERCET_LANGUAGE_LIBRARIES ${languages_own} PARENT_SCOPE)
    endif()
    if(TERCET_TESTS AND NOT BUILD_SHARED_LIBS AND NOT TERCET_SANITIZE)  # tests look at both kinds
        tercet_shared_library(tercet_shared ${objects})
        set_target_properties(tercet_shared PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/shared)
    endif()
    target_include_directories(tercet INTERFACE
        $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    add_library(tercet::tercet ALIAS tercet)
endfunction()

# Headers, library, program, and what CMake and pkg-config need to find them, wherever the folder is moved to.
function(tercet_install)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/tercet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
    install(TARGETS tercet EXPORT tercetTargets)
    install(TARGETS tercet_cli)
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/share/ DESTINATION ${CMAKE_INSTALL_DATADIR}/tercet PATTERN __pycache__ EXCLUDE)
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)  # where the programs of the build tree look
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/share ${CMAKE_BINARY_DIR}/share/tercet SYMBOLIC)
    if(BUILD_SHARED_LIBS)
        file(RELATIVE_PATH to_library ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
        set_target_properties(tercet_cli PROPERTIES INSTALL_RPATH $ORIGIN/${to_library})
    endif()

    set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tercet)
    install(EXPORT tercetTargets NAMESPACE tercet:: DESTINATION ${package})
    configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/tercetConfig.cmake.in ${CMAKE_BINARY_DIR}/package/tercetConfig.cmake
        INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
    write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/tercetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${CMAKE_BINARY_DIR}/package/tercetConfig.cmake ${CMAKE_BINARY_DIR}/package/tercetConfigVersion.cmake DESTINATION ${package})

    set(pkgconfig ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
    file(RELATIVE_PATH to_prefix ${pkgconfig} ${CMAKE_INSTALL_PREFIX})
    file(RELATIVE_PATH to_include ${pkgconfig} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
    list(TRANSFORM TERCET_LANGUAGE_LIBRARIES PREPEND -l OUTPUT_VARIABLE libraries)
    set(optional ${TERCET_TENSORRT_LIBRARIES})
    list(TRANSFORM optional PREPEND -l REGEX "^[^/]")  # names, where the others are files
    list(APPEND libraries ${optional})
    list(JOIN libraries " " language_libraries)
    set(archive_needs)
    if(NOT BUILD_SHARED_LIBS)  # pkg-config wants all modules of Requires.private to be there, even where nothing of them is linked
        set(archive_needs "Requires.private: fmt libjpeg libpng zlib\nLibs.private: -pthread ${language_libraries}\n")
    endif()
    configure_file(${CMAKE_SOURCE_DIR}/cmake/tercet.pc.in ${CMAKE_BINARY_DIR}/package/tercet.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/package/tercet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
