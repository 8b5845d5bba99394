# The skills that come with Nexflow, in the test's own process.
nf_test(unit skill_calc nf_skills_bundled_calc nf_test_skill_host)
nf_test(unit skill_clock nf_skills_bundled_clock nf_test_skill_host)
nf_test(unit skill_text nf_skills_bundled_text nf_test_skill_host)
nf_test(unit skill_notes nf_skills_bundled_notes nf_test_skill_host)
nf_test(unit skill_weather nf_skills_bundled_weather nf_test_skill_host)
nf_test(unit skill_web nf_skills_bundled_web nf_test_skill_host)
nf_test(unit skill_files nf_skills_bundled_files nf_test_skill_host)

# The program of csv without a jail, with tables that are strange or too large.
add_test(NAME integration/skill_csv_program
         COMMAND ${NF_TEST_PYTHON} ${PROJECT_SOURCE_DIR}/tests/integration/skill_csv_test.py
                 ${PROJECT_SOURCE_DIR}/skills/bundled/csv)
set_tests_properties(integration/skill_csv_program PROPERTIES LABELS integration TIMEOUT 120)

# The cases of each tests.json, as `nexflow skill test` runs them: in the sandbox.
foreach(name calc clock files notes text weather web)
    add_test(NAME integration/skill_${name}
             COMMAND nexflow skill test ${PROJECT_BINARY_DIR}/lib/nexflow/skills/${name})
    set_tests_properties(integration/skill_${name} PROPERTIES LABELS integration TIMEOUT 120)
endforeach()
nf_test(unit skill_manifests nf_skills nf_codec)
