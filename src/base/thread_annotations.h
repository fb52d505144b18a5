// What a lock guards, said so that clang checks it (-Wthread-safety, tools/syntax): a member that
// carries OTA_GUARDED_BY(mutex_) can only be touched where that mutex is held, a function that
// carries OTA_REQUIRES(mutex_) only be called there. Other compilers read over it.
//
// Source: https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#if defined(__clang__)
#define OTA_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define OTA_THREAD_ANNOTATION(x)
#endif

#define OTA_CAPABILITY(name) OTA_THREAD_ANNOTATION(capability(name))
#define OTA_SCOPED_CAPABILITY OTA_THREAD_ANNOTATION(scoped_lockable)
#define OTA_GUARDED_BY(mutex) OTA_THREAD_ANNOTATION(guarded_by(mutex))
#define OTA_PT_GUARDED_BY(mutex) OTA_THREAD_ANNOTATION(pt_guarded_by(mutex))
#define OTA_REQUIRES(...) OTA_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define OTA_EXCLUDES(...) OTA_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define OTA_ACQUIRE(...) OTA_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define OTA_TRY_ACQUIRE(...) OTA_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define OTA_RELEASE(...) OTA_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
// For the few functions whose locking the analysis cannot follow; the line says why.
#define OTA_NO_THREAD_SAFETY_ANALYSIS OTA_THREAD_ANNOTATION(no_thread_safety_analysis)
