# SPDX-License-Identifier: Apache-2.0
# The manual page and the completions of shells, written by the program and installed where man, bash and zsh look.
function(tercet_manual)
    find_program(GZIP gzip REQUIRED)
    set(folder ${CMAKE_BINARY_DIR}/manual)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${folder}/tercet.1.gz ${folder}/tercet ${folder}/_tercet
        COMMAND tercet_cli --man > ${folder}/tercet.1
        COMMAND ${GZIP} -9nf ${folder}/tercet.1
        COMMAND tercet_cli --completion bash > ${folder}/tercet
        COMMAND tercet_cli --completion zsh > ${folder}/_tercet
        DEPENDS tercet_cli VERBATIM COMMENT "Writing the manual page and completions")
    add_custom_target(tercet_manual ALL DEPENDS ${folder}/tercet.1.gz)
    install(FILES ${folder}/tercet.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${folder}/tercet DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${folder}/_tercet DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endfunction()
